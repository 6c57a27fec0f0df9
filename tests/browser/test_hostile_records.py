"""Every page there is, in a browser, after webhooks brought bad words in every string: all of it is text."""

from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from groundswell.ops.dashboard.pages import PAGES
from tests.browser.conftest import LookAt, Looking
from tests.hostile import BAD_WORDS, MARK, attacked, hostile_bodies, is_processed

PAGES_MAX = 60
RAN = "window.ranHere"
HOOK = f"""
{RAN} = [];
for (const name of ["{MARK}", "alert", "confirm", "prompt"]) window[name] = () => {RAN}.push(name);
"""
LINKS = "all => all.map((one) => new URL(one.getAttribute('href'), location.href).href)"
FOREIGN = """() => [...document.querySelectorAll("*")].filter((one) =>
  [...one.attributes].some(({name, value}) => name.startsWith("on") || name === "style"
    || (["href", "src", "action", "formaction"].includes(name) && !/^([/#?]|data:image)/.test(value) && value !== ""))
  || ["IMG", "IFRAME", "OBJECT", "EMBED", "BASE"].includes(one.tagName.toUpperCase())
  || (one.tagName === "SCRIPT" && (one.textContent !== "" || !one.src.includes("/static/groundswell")))
).map((one) => one.outerHTML.slice(0, 200))"""
"""What no page of ours has: handlers, styles, addresses of others, things that load, scripts with something in them."""


async def look_everywhere(looking: Looking) -> dict[str, str]:
    """Every page that links lead to, from the first on, and its text."""
    texts: dict[str, str] = {}
    waiting = ["/"]
    while waiting and len(texts) < PAGES_MAX:
        path = waiting.pop(0)
        answer = await looking.page.request.get(f"http://{looking.address}{path}")
        if answer.headers["content-type"] != "text/html; charset=utf-8":  # a file, which no browser opens here
            assert answer.headers["content-disposition"].startswith("attachment"), path
            assert answer.headers["x-content-type-options"] == "nosniff"
            texts[path] = ""
            continue
        await looking.go(path)
        assert await looking.page.evaluate(RAN) == [], path
        assert await looking.page.evaluate(FOREIGN) == [], path
        texts[path] = await looking.page.locator("body").inner_text()
        links = await looking.page.eval_on_selector_all("a[href]", LINKS)
        for link in links:
            found = urlsplit(link)
            assert found.netloc == looking.address, (path, link)
            following = found.path + (f"?{found.query}" if found.query else "")
            if following not in (*texts, *waiting):
                waiting.append(following)
    return texts


@pytest.mark.timeout(90)  # some two thousand requests, then every page
async def test_nothing_that_was_sent_is_more_than_text_on_any_page(tmp_path: Path, look_at: LookAt) -> None:
    async with attacked(tmp_path, "http://127.0.0.1:9") as (daemon, sender), look_at(daemon) as looking:
        await looking.page.add_init_script(HOOK)
        await looking.log_in()
        await looking.go("/tap")
        await looking.page.get_by_text("Live.").wait_for()
        for source, body in hostile_bodies():
            await sender.send(source, body)
        await is_processed(daemon)
        await looking.page.locator(".lines li").nth(150).wait_for()
        assert await looking.page.evaluate(RAN) == []
        assert await looking.page.evaluate(FOREIGN) == []
        tapped = await looking.page.locator(".lines").inner_text()
        texts = await look_everywhere(looking)
        for word in BAD_WORDS:
            await looking.go(f"/tap?component={quote(word)}&kind={quote(word)}")
            assert await looking.page.evaluate(RAN) == []
            assert await looking.page.evaluate(FOREIGN) == []
    assert {page.path for page in PAGES if "{" not in page.path and page.is_in_navigation} <= set(texts)
    assert "alert(" not in tapped
    assert "\u202e" not in "".join((*texts.values(), tapped))
    assert looking.complaints == []
