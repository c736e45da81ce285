// In a preview only: shows what changed without a reload where it can, and what is wrong over the page.
(() => {
  "use strict";
  const { page, version: first, token, policy } = document.currentScript.dataset;
  document.currentScript.remove();
  const STYLES = 'link[rel~="stylesheet"]';
  const WORDS = 'title, meta[name="description"], meta[property], meta[name^="twitter:"]'; // which nothing runs on
  const RETRY = 500; // milliseconds until a preview that went away is asked again
  const isRun = (script) => !script.type || /javascript|module|importmap|speculationrules/i.test(script.type);
  let version = first;
  let events = null;
  let waits = 0;
  const boxes = new Map(); // what lies over the page, by the name of its element: what it shows
  let busy = Promise.resolve();
  const arriving = new Map(); // the link that stays until its new style sheet is there: that one's link

  // Back and forward, and how far it was scrolled, are the browser's own after a reload.
  const reload = () => location.reload();

  function head(root) {
    const copy = root.head.cloneNode(true);
    copy.querySelectorAll(STYLES).forEach((link) => link.remove());
    copy.querySelectorAll(WORDS).forEach((one) => (one.removeAttribute("content"), one.replaceChildren()));
    return copy.innerHTML.replace(/[?&]preview=[0-9a-f.]+/g, "").replace(/\s+/g, " ");
  }

  function fresh(address) {
    const url = new URL(address, location.href);
    url.searchParams.set("preview", version);
    return url.pathname + url.search;
  }

  // The same style sheets, read again; the old rules stay until the new ones are there.
  function swapStyles() {
    const coming = new Set(arriving.values());
    for (const link of document.querySelectorAll(STYLES)) {
      if (coming.has(link) || new URL(link.href).origin !== location.origin) continue;
      arriving.get(link)?.remove();
      const next = link.cloneNode();
      next.href = fresh(link.href);
      arriving.set(link, next);
      const isLast = () => arriving.get(link) === next && arriving.delete(link);
      next.onload = () => isLast() && link.remove();
      next.onerror = () => isLast() && next.remove();
      link.after(next);
    }
  }

  function swapImages(paths) {
    const isChanged = (address) => {
      const url = new URL(address, location.href);
      const path = decodeURIComponent(url.pathname);
      return url.origin === location.origin && paths.some((one) => path.endsWith(`/${one}`));
    };
    const again = (address) => (isChanged(address) ? fresh(address) : address);
    for (const one of document.querySelectorAll("[src], [srcset]")) {
      if (!one.matches("img, source, input")) continue;
      if (one.src && isChanged(one.src)) one.src = again(one.src);
      if (one.srcset) one.srcset = one.srcset.replace(/[^\s,]\S*[^\s,]/g, (address) => again(address));
    }
    for (const icon of document.querySelectorAll('link[rel~="icon"]')) {
      if (isChanged(icon.href)) icon.href = again(icon.href);
    }
  }

  // Under another policy a page is loaded anew: what is swapped into it stands under the one that it came with.
  async function swapPage(html) {
    let text = html;
    if (text === null) {
      const raw = { headers: { "X-Sealpress-Raw": "1" }, cache: "no-store" };
      const answer = await fetch(`/_sealpress/page${location.pathname}${location.search}`, raw);
      text = await answer.text();
      if (answer.redirected || answer.headers.get("X-Sealpress-Policy") !== policy) return reload();
    }
    let root;
    try {
      root = new DOMParser().parseFromString(text, "text/html");
    } catch {
      return reload(); // where a policy asks for trusted types
    }
    const links = (of) => [...of.head.querySelectorAll(STYLES)].map((link) => new URL(link.getAttribute("href"), location.href).pathname);
    const hasScripts = [document, root].some((one) => [...one.scripts].some(isRun));
    const [now, next] = [links(document), links(root)].map((all) => [...new Set(all)].join(" "));
    if (hasScripts || head(root) !== head(document) || now !== next) return reload();
    const focused = document.activeElement?.id;
    const [left, top] = [scrollX, scrollY];
    const old = document.documentElement;
    for (const { name } of [...old.attributes]) if (!root.documentElement.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of root.documentElement.attributes) old.setAttribute(name, value);
    const words = root.head.querySelectorAll(WORDS);
    document.head.querySelectorAll(WORDS).forEach((one, at) => one.replaceWith(document.adoptNode(words[at])));
    document.body.replaceWith(document.adoptNode(root.body));
    scrollTo({ left, top, behavior: "instant" });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  // What a page says of all elements counts more than :host does, unless that is important.
  const HOST =
    "all:initial!important;position:fixed!important;inset:auto 0 0 0!important;z-index:2147483647!important;" +
    "display:block!important;";
  const CONTROLS =
    "a,button{font:inherit;color:inherit;background:none;border:0;padding:.1em .4em;cursor:pointer;text-decoration:underline}" +
    "button[aria-label]{text-decoration:none}:focus-visible{outline:2px solid currentcolor;outline-offset:-2px}" +
    "@media print{:host{display:none!important}}";
  const OVERLAY =
    `:host{${HOST}}${CONTROLS}section{max-height:60vh;overflow:auto;background:#1c1c1c;color:#f4f4f4;` +
    "border-top:4px solid #ff5a52;padding:1rem;font:14px/1.5 ui-monospace,monospace}" +
    "pre{font:inherit;margin:0 0 1rem;white-space:pre-wrap}button{float:right}";
  const BAR =
    `:host{${HOST}pointer-events:none!important;--ground:#f4f4f4;--ink:#1c1c1c;--mark:#8a5a00}${CONTROLS}` +
    "@media(prefers-color-scheme:dark){:host{--ground:#1c1c1c;--ink:#f4f4f4;--mark:#ffc35a}}" +
    "section{pointer-events:auto;display:flex;flex-wrap:wrap;gap:0 1em;align-items:baseline;padding:.2em .6em;" +
    "max-height:40vh;overflow:auto;font:14px/1.5 system-ui,sans-serif;" +
    "background:var(--ground);color:var(--ink);border-top:3px solid var(--mark)}" +
    ".quiet{width:fit-content;margin-left:auto;border:1px solid;border-radius:.4em 0 0 0}" +
    "strong{color:var(--mark)}ul{margin:.2em 0;padding-left:1.2em}summary{cursor:pointer;color:var(--mark)}" +
    "details[open]{order:1;flex-basis:100%}.end{margin-left:auto;overflow-wrap:anywhere}";

  function element(name, text, properties = {}) {
    return Object.assign(document.createElement(name), { textContent: text, ...properties });
  }

  // In a shadow root: no style of the page's reaches it, and none of its own the page. Beside the body, which is swapped.
  function box(name, css, role, content, closed = () => {}) {
    const [old, said] = boxes.get(name) ?? [];
    const says = content && JSON.stringify(content);
    if (says && says === said) return null;
    boxes.delete(name);
    if (!content) old?.remove();
    if (!content) return null;
    const host = old ?? document.createElement(name);
    if (!old) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
      Object.assign(host, { lang: "en", dir: "ltr" }).setAttribute("role", role);
    }
    boxes.set(name, [host, says]);
    if (name === "sealpress-bar") document.body.after(host);
    else document.documentElement.append(host); // over the bar
    const close = element("button", "×", { onclick: () => (host.remove(), closed()) });
    close.setAttribute("aria-label", "Close");
    return [host.shadowRoot, close];
  }

  function show(problems) {
    const [root, close] = box("sealpress-overlay", OVERLAY, "alert", problems.length ? problems : null) ?? [];
    if (!root) return;
    const section = element("section", "");
    section.append(close, ...problems.map((one) => element("pre", one.text)));
    root.replaceChildren(section);
  }

  // Into the editor that VISUAL or EDITOR names, by the preview; else by an address that VS Code answers.
  function opening({ source, edit }, text) {
    if (edit) return element("a", text, { href: edit });
    const headers = { "X-Sealpress-Token": token };
    const onclick = async ({ target }) => {
      const answer = await fetch("/_sealpress/open", { method: "POST", headers, body: source }).catch(() => null);
      if (!answer?.ok) target.textContent = "can't be opened: reload the page";
    };
    return element("button", text, { onclick });
  }

  // Closed, it is so in this tab until it has something else to say.
  function showBar(bar) {
    const key = bar && `sealpress ${JSON.stringify([bar.notes, bar.warnings.map((one) => one.text)])}`;
    const found = box("sealpress-bar", BAR, "region", bar && !kept(key) ? bar : null, () => kept(key, "closed"));
    if (!found) return;
    const [root, close] = found;
    root.host.setAttribute("aria-label", "Preview");
    const isQuiet = !bar.notes.length && !bar.warnings.length;
    const section = element("section", "", { className: isQuiet ? "quiet" : "" });
    section.append(...bar.notes.map((note) => element("strong", note)));
    if (bar.warnings.length) {
      const details = element("details", "");
      const list = element("ul", "");
      for (const one of bar.warnings) {
        const item = element("li", "");
        item.append(opening(one, one.text));
        list.append(item);
      }
      const count = bar.warnings.length;
      details.append(element("summary", count === 1 ? "1 warning" : `${count} warnings`), list);
      section.append(details);
    }
    const end = element("span", "", { className: "end" });
    const edit = opening(bar, isQuiet ? "edit" : bar.source);
    edit.title = `Open ${bar.source} in the editor`;
    end.append(edit, close);
    section.append(end);
    root.replaceChildren(section);
  }

  function kept(key, value) {
    try {
      if (value) sessionStorage.setItem(key, value);
      return sessionStorage.getItem(key);
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  function take(message) {
    const seen = version;
    version = message.version;
    show(message.problems);
    showBar(message.bar);
    if (message.policy && message.policy !== policy) return reload();
    if (message.styles) swapStyles();
    if (message.images.length) swapImages(message.images);
    if (!message.page) return;
    busy = busy.then(() => swapPage(message.html)).catch(() => {
      version = seen; // not shown: asked for again
      part();
      waits = setTimeout(meet, RETRY);
    });
  }

  function part() {
    clearTimeout(waits);
    events?.close();
    events = null;
  }

  // A page tells what it shows, so that nothing is missed that was saved while it didn't listen. A browser keeps few
  // connections to one server: a tab that nobody sees has none.
  function meet() {
    part();
    if (document.visibilityState === "hidden") return;
    const asked = new URLSearchParams({ page, version, address: location.pathname });
    events = new EventSource(`/_sealpress/events?${asked}`);
    events.onmessage = ({ data }) => take(JSON.parse(data));
    events.onerror = () => {
      part();
      waits = setTimeout(meet, RETRY);
    };
  }

  addEventListener("pagehide", part);
  addEventListener("pageshow", (event) => event.persisted && meet());
  document.addEventListener("visibilitychange", meet);
  meet();
})();
