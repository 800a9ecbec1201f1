"""page: looks at a page of `mailseal report --html`, by itself and in a real browser.

    page.py text PAGE [MUST-NOT-CONTAIN ...]
    page.py browser DIRECTORY-FOR-PICTURES PAGE ... [-- PAGE ...]

Prints what is wrong, a line each; exit status 1 then. The first page is looked at in every way, and pictures of it are
left; others on a narrow and on a wide screen. In pages behind -- something has to be found wrong: they try whether it
would be.
"""

import base64
import hashlib
import html.parser
import os
import re
import sys
import tempfile

WIDTHS = [(400, 800), (1280, 900)]
SCREENS = [("screen", "light", *size) for size in WIDTHS]
WAYS = SCREENS + [("screen", "dark", *size) for size in WIDTHS] + [("print", "dark", 1032, 700)]
# What can load or run something, or lead elsewhere.
FORBIDDEN_TAGS = {"script", "link", "img", "image", "iframe", "object", "embed", "base", "form", "use", "foreignobject", "a",
                  "video", "audio", "source", "animate", "set"}
VOID = {"meta", "br"}

wrong = []


def expect(true, what):
    if not true:
        wrong.append(what)


class Page(html.parser.HTMLParser):
    """Tags that close as they opened, and nothing among them that could run or fetch."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack, self.policy, self.style, self.seen = [], "", "", []
        self.feed(text)
        self.close()
        expect(not self.stack, "left open: %s" % self.stack)

    def handle_starttag(self, tag, attrs):
        expect(tag not in FORBIDDEN_TAGS, "<%s> in the page" % tag)
        for name, value in attrs:
            expect(not name.startswith("on") and name not in ("style", "href", "src", "xlink:href", "srcset"),
                   "attribute %s=%r in <%s>" % (name, value, tag))
        attrs = dict(attrs)
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        expect(self.stack and self.stack[-1] == tag, "</%s> within %s" % (tag, self.stack[-3:]))
        if self.stack:
            self.stack.pop()

    def handle_data(self, data):
        if self.stack and self.stack[-1] == "style":
            self.style += data
        else:
            self.seen.append(data)


def look_at_text(path, forbidden):
    with open(path, "rb") as f:
        raw = f.read()
    expect(all(c == 10 or 32 <= c < 127 for c in raw), "other octets than printable ASCII and line ends")
    text = raw.decode("ascii", "replace")
    page = Page(text)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    expect(page.policy.startswith("default-src 'none';"), "the page's policy is %r" % page.policy)
    expect("'sha256-%s'" % digest in page.policy, "html_style_hash has to be " + digest)
    expect("unsafe" not in page.policy, "unsafe in the page's policy")
    expect(not re.search(r"url\(|@import|https?:", page.style), "the style refers to something elsewhere")
    for word in forbidden:
        expect(word not in text, "%r stands in the page as it is" % word)


# What the browser is asked. Boxes are in pixels of the window.
LOOK = """
const box = e => e.getBoundingClientRect(), shown = e => { const b = box(e); return b.width > 0 && b.height > 0; };
const all = s => [...document.querySelectorAll(s)];
const texts = all('h1,h2,dt,dd,b,span,small,p,li,th,td,text,summary').filter(shown);
const scrolls = e => { for (; e; e = e.parentElement) if (getComputedStyle(e).overflowX === 'auto') return true; return false; };
const rgb = e => getComputedStyle(e).fill;
return {
	width: innerWidth,
	page: document.documentElement.scrollWidth,
	marks: all('.stack .m').length, drawn: all('.stack .m').filter(shown).length,
	strips: all('.strip .m').length, stripsDrawn: all('.strip .m').filter(shown).length,
	outside: all('.stack .m').filter(e => { const b = box(e), s = box(e.closest('svg'));
		return b.left < s.left - 1 || b.right > s.right + 1 || b.top < s.top - 1 || b.bottom > s.bottom + 1; }).length,
	cut: texts.filter(e => { const b = box(e); return (b.left < 0 || b.right > innerWidth + 0.5) && !scrolls(e); })
		.map(e => e.textContent.slice(0, 40)),
	clipped: texts.filter(e => getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1)
		.map(e => e.textContent.slice(0, 40)),
	overlaps: (() => { const t = all('.stack text').filter(shown).map(box), n = [];
		t.forEach((a, i) => t.slice(i + 1).forEach(b => { if (a.left < b.right && b.left < a.right && a.top < b.bottom - 3
			&& b.top < a.bottom - 3) n.push([a.left, b.left]); })); return n; })(),
	small: texts.filter(e => e.textContent.trim() && parseFloat(getComputedStyle(e).fontSize) < 10).length,
	dates: all('.stack .date text').filter(shown).length,
	legend: all('.legend li').filter(shown).length,
	colours: [...new Set(all('.stack .m').map(rgb))].length,
	kinds: [...new Set(all('.stack .m').map(e => e.getAttribute('class')))].length,
	ink: getComputedStyle(document.body).color, paper: getComputedStyle(document.body).backgroundColor,
	sums: [...all('.figures tbody tr')].flatMap(r => [...r.cells].slice(1)).filter(c => c.textContent !== '0').length,
	bars: all('.stack .bar').length, titles: all('.stack .bar > title').filter(e => e.textContent.includes(' to ')).length,
};
"""


def luminance(colour):
    values = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def judge(seen, where, plot):
    expect(seen["page"] <= seen["width"], "%s: the page is %d wide" % (where, seen["page"]))
    expect(seen["drawn"] == seen["marks"] == seen["sums"], "%s: %d of %d marks are drawn, for %d figures"
           % (where, seen["drawn"], seen["marks"], seen["sums"]))
    expect(seen["stripsDrawn"] == seen["strips"] == seen["marks"], "%s: %d of %d marks of single outcomes"
           % (where, seen["stripsDrawn"], seen["strips"]))
    expect(seen["titles"] == seen["bars"], "%s: %d titles of %d bars" % (where, seen["titles"], seen["bars"]))
    expect(seen["bars"] <= 100, "%s: %d bars" % (where, seen["bars"]))
    expect((seen["marks"] > 0) == plot, "%s: %d marks" % (where, seen["marks"]))
    expect(seen["colours"] == seen["kinds"], "%s: %d colours for %d outcomes" % (where, seen["colours"], seen["kinds"]))
    expect(not plot or seen["dates"] >= 2, "%s: %d dates" % (where, seen["dates"]))
    expect(not plot or seen["legend"] >= seen["kinds"], "%s: %d legends" % (where, seen["legend"]))
    expect(contrast(seen["ink"], seen["paper"]) > 7, "%s: %s on %s" % (where, seen["ink"], seen["paper"]))
    for what in ("outside", "cut", "clipped", "overlaps", "small"):
        expect(not seen[what], "%s: %s: %s" % (where, what, seen[what]))


def look_in_browser(browser, path, ways):
    """What colour the paper has in each way, while the page is there."""
    with open(path, encoding="ascii") as f:
        plot = 'class="stack"' in f.read()
    name = os.path.basename(path)
    for medium, scheme, width, height in ways:
        browser.size(width, height)
        browser.media(medium, scheme)
        browser.open(path)
        seen = browser.run(LOOK)
        judge(seen, "%s, %s, %s, %d wide" % (name, medium, scheme, width), plot)
        asked, said = browser.requests(), browser.console()
        expect(set(asked) == {"file://" + path}, "%s: asked for: %s" % (name, sorted(set(asked))[:4]))
        expect(not said, "%s: the console says: %s" % (name, said[:3]))
        yield medium, scheme, width, seen["paper"]


def look_in_every_way(browser, path, pictures):
    papers = set()
    for medium, scheme, width, paper in look_in_browser(browser, path, WAYS):
        papers.add((medium, scheme, paper))
        picture = os.path.join(pictures, "%s-%s-%d.png" % (medium, scheme, width))
        browser.screenshot(picture)
        expect(os.path.getsize(picture) > 5000, "%s is empty" % picture)
    expect(len({paper for _, _, paper in papers}) == 3, "light, dark and print look alike: %s" % papers)
    printed = os.path.join(pictures, "page.pdf")
    browser.pdf(printed)
    expect(os.path.getsize(printed) > 5000, "%s is empty" % printed)


def look_in_browsers(pictures, pages):
    good, bad = (pages[:pages.index("--")], pages[pages.index("--") + 1:]) if "--" in pages else (pages, [])
    with tempfile.TemporaryDirectory() as directory, browser_of(directory) as browser:
        look_in_every_way(browser, os.path.abspath(good[0]), pictures)
        for path in good[1:]:
            list(look_in_browser(browser, os.path.abspath(path), SCREENS))
        for path in bad:
            before = len(wrong)
            list(look_in_browser(browser, os.path.abspath(path), SCREENS[:1]))
            found = wrong[before:]
            del wrong[before:]
            expect(found, "%s: nothing was found wrong" % path)


def browser_of(directory):
    from browser import Browser
    return Browser(directory)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("text", "browser"):
        print(__doc__, file=sys.stderr)
        return 64
    if arguments[0] == "text":
        look_at_text(arguments[1], arguments[2:])
    else:
        look_in_browsers(arguments[1], arguments[2:])
    if wrong:
        print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
