// In a preview only: shows what changed without a reload where it can, and what is wrong over the page.
(() => {
  "use strict";
  const { page, version: first } = document.currentScript.dataset;
  document.currentScript.remove();
  const STYLES = 'link[rel~="stylesheet"]';
  const RETRY = 500; // milliseconds until a preview that went away is asked again
  const isRun = (script) => !script.type || /javascript|module|importmap|speculationrules/i.test(script.type);
  let version = first;
  let events = null;
  let waits = 0;
  let overlay = null;
  let busy = Promise.resolve();
  const arriving = new Map(); // the link that stays until its new style sheet is there: that one's link

  // Back and forward, and how far it was scrolled, are the browser's own after a reload.
  const reload = () => location.reload();

  function head(root) {
    const copy = root.head.cloneNode(true);
    copy.querySelectorAll(STYLES).forEach((link) => link.remove());
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

  async function swapPage() {
    const answer = await fetch(location.href, { headers: { "X-Sealpress-Raw": "1" }, cache: "no-store" });
    const root = new DOMParser().parseFromString(await answer.text(), "text/html");
    const links = (of) => [...of.head.querySelectorAll(STYLES)].map((link) => new URL(link.getAttribute("href"), location.href).pathname);
    const hasScripts = [document, root].some((one) => [...one.scripts].some(isRun));
    const [now, next] = [links(document), links(root)].map((all) => [...new Set(all)].join(" "));
    if (answer.redirected || hasScripts || head(root) !== head(document) || now !== next) return reload();
    const focused = document.activeElement?.id;
    const [left, top] = [scrollX, scrollY];
    const old = document.documentElement;
    for (const { name } of [...old.attributes]) if (!root.documentElement.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of root.documentElement.attributes) old.setAttribute(name, value);
    const shown = overlay?.isConnected;
    document.body.replaceWith(document.adoptNode(root.body));
    if (shown) document.body.append(overlay);
    scrollTo({ left, top, behavior: "instant" });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  function show(problems) {
    if (!problems.length) {
      overlay?.remove();
      overlay = null;
      return;
    }
    if (!overlay) {
      overlay = document.createElement("sealpress-overlay");
      overlay.setAttribute("role", "alert");
      const style = new CSSStyleSheet();
      style.replaceSync(
        ":host{all:initial;position:fixed;inset:auto 0 0 0;max-height:60vh;overflow:auto;z-index:2147483647;" +
          "background:#1c1c1c;color:#f4f4f4;border-top:4px solid #ff5a52;padding:1rem;" +
          "font:14px/1.5 ui-monospace,monospace}" +
          "pre{font:inherit;margin:0 0 1rem;white-space:pre-wrap}button{float:right}",
      );
      overlay.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
    }
    const close = document.createElement("button");
    close.textContent = "×";
    close.setAttribute("aria-label", "Close");
    close.onclick = () => overlay.remove();
    const texts = problems.map((one) => {
      const text = document.createElement("pre");
      text.textContent = one.text;
      return text;
    });
    overlay.shadowRoot.replaceChildren(close, ...texts);
    document.body.append(overlay);
  }

  function take(message) {
    const seen = version;
    version = message.version;
    show(message.problems);
    if (message.styles) swapStyles();
    if (message.images.length) swapImages(message.images);
    if (!message.page) return;
    busy = busy.then(swapPage).catch(() => {
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
