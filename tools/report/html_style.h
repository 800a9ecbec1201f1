/*
 * html_style: how the page looks.
 */
#ifndef MAILSEAL_TOOLS_REPORT_HTML_STYLE_H
#define MAILSEAL_TOOLS_REPORT_HTML_STYLE_H

extern const char html_style[];

/* SHA-256 of it in base64: the only style that the page's policy lets count. */
extern const char html_style_hash[];

#endif
