/*
 * strict: which of two values asks for more.
 */
#include "config/set.h"

enum setting rank_setting(unsigned rank)
{
	static const enum setting settings[RANK_COUNT] = {
		[DEMAND_REQUIRE_TLS] = SETTING_REQUIRE_TLS,
		[DEMAND_VERIFY_CERTIFICATE] = SETTING_VERIFY_CERTIFICATE,
		[DEMAND_MIN_TLS] = SETTING_MIN_TLS,
		[DEMAND_VIOLATION] = SETTING_VIOLATION,
		[DEMAND_MODE] = SETTING_MODE,
		[DEMAND_RELAX] = SETTING_MESSAGE_OVERRIDE,
		[DEMAND_TIGHTEN] = SETTING_MESSAGE_OVERRIDE,
		[RANK_ON_BAD_CERTIFICATE] = SETTING_ON_BAD_CERTIFICATE,
		[RANK_PROTECT_CREDENTIALS] = SETTING_PROTECT_CREDENTIALS,
		[RANK_APPLICATION_TLS] = SETTING_APPLICATION_TLS,
		[RANK_SESSION_RESUMPTION] = SETTING_SESSION_RESUMPTION,
		[RANK_EARLY_REPLIES] = SETTING_EARLY_REPLIES,
		[RANK_CONNECTION_REUSE] = SETTING_CONNECTION_REUSE,
	};

	return settings[rank];
}

int section_strictness(const struct section *section, unsigned rank)
{
	static const int on_bad[] = {
		[BAD_CERTIFICATE_CLEARTEXT] = 0,
		[BAD_CERTIFICATE_UNAUTHENTICATED] = 1,
		[BAD_CERTIFICATE_REFUSE] = 2,
	};
	int value = section->value[rank_setting(rank)];

	if (rank == DEMAND_RELAX)
		return value != OVERRIDE_ANY;
	if (rank == DEMAND_TIGHTEN)
		return value != OVERRIDE_IGNORE;
	/* what is shared with other connections, or said before the server did: the less the
	 * stricter */
	if (rank >= RANK_SESSION_RESUMPTION)
		return -value;
	return rank == RANK_ON_BAD_CERTIFICATE ? on_bad[value] : value;
}

const struct section *section_stricter(
	unsigned rank, const struct section *a, const struct section *b)
{
	if (!a || !b)
		return a ? a : b;
	return section_strictness(b, rank) > section_strictness(a, rank) ? b : a;
}

const struct section *section_weaker(
	unsigned rank, const struct section *a, const struct section *b)
{
	if (!a || !b)
		return a ? a : b;
	return section_strictness(b, rank) < section_strictness(a, rank) ? b : a;
}
