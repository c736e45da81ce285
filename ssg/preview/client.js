// In a preview only: shows what changed without a reload where it can, and what is wrong over the page.
(() => {
  "use strict";
  const own = document.currentScript;
  const page = own.dataset.page;
  own.remove();
  let overlay = null;
  let busy = Promise.resolve();

  const isStyle = (link) => link.matches('link[rel="stylesheet"]');
  const scripts = (root) => [...root.querySelectorAll("script")].map((one) => one.outerHTML).join("\n");

  function head(root) {
    const copy = root.head.cloneNode(true);
    copy.querySelectorAll("link").forEach((link) => isStyle(link) && link.remove());
    return copy.innerHTML.replace(/\s+/g, " ");
  }

  function swapStyles(root, isFresh) {
    const now = [...document.querySelectorAll('link[rel="stylesheet"]')];
    const next = root ? [...root.querySelectorAll('link[rel="stylesheet"]')] : now;
    now.forEach((link, number) => {
      const wanted = next[number];
      if (!wanted) return link.remove();
      const url = new URL(wanted.getAttribute("href"), location.href);
      if (url.origin !== location.origin) return;
      if (isFresh) url.searchParams.set("preview", Date.now());
      else if (url.pathname === new URL(link.href).pathname) return;
      const fresh = link.cloneNode();
      fresh.href = url.href;
      fresh.onload = () => link.remove();
      link.after(fresh);
    });
  }

  function swapImages(paths) {
    const changed = new Set(paths);
    document.querySelectorAll("img").forEach((image) => {
      const url = new URL(image.currentSrc || image.src, location.href);
      const path = decodeURIComponent(url.pathname);
      if ([...changed].some((one) => path.endsWith("/" + one))) {
        url.searchParams.set("preview", Date.now());
        image.removeAttribute("srcset");
        image.src = url.href;
      }
    });
  }

  async function swapPage() {
    const answer = await fetch(location.href, { headers: { "X-Sealpress-Raw": "1" }, cache: "no-store" });
    const root = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (scripts(root) || scripts(document) || head(root) !== head(document) || answer.redirected) {
      return location.reload();
    }
    const focused = document.activeElement && document.activeElement.id;
    const [left, top] = [scrollX, scrollY];
    swapStyles(root, false);
    for (const { name, value } of root.documentElement.attributes) document.documentElement.setAttribute(name, value);
    document.body.replaceWith(document.adoptNode(root.body));
    if (overlay) document.body.append(overlay);
    scrollTo(left, top);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  function show(problems) {
    if (!problems.length) {
      overlay?.remove();
      overlay = null;
      return;
    }
    overlay ??= document.createElement("sealpress-overlay");
    const root = overlay.shadowRoot ?? overlay.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent =
      ":host{position:fixed;inset:auto 0 0 0;max-height:60vh;overflow:auto;z-index:2147483647;background:#1c1c1c;" +
      "color:#f4f4f4;border-top:4px solid #ff5a52;padding:1rem;font:14px/1.5 ui-monospace,monospace}" +
      "pre{margin:0 0 1rem;white-space:pre-wrap}button{float:right}";
    const close = document.createElement("button");
    close.textContent = "×";
    close.setAttribute("aria-label", "Close");
    close.onclick = () => overlay.remove();
    const texts = problems.map((one) => {
      const text = document.createElement("pre");
      text.textContent = one.text;
      return text;
    });
    root.replaceChildren(style, close, ...texts);
    overlay.setAttribute("role", "alert");
    document.body.append(overlay);
  }

  const events = new EventSource("/_sealpress/events?page=" + encodeURIComponent(page));
  let known = false;
  events.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    const isLate = known === false && message.late;
    known = true;
    show(message.problems);
    if (message.styles) swapStyles(null, true);
    if (message.images.length) swapImages(message.images);
    if (message.page || message.gone !== (page === "") || isLate) {
      busy = busy.then(swapPage).catch(() => location.reload());
    }
  };
  events.onerror = () => {
    // The preview was started anew, perhaps of another site: what is shown may be old.
    events.addEventListener("open", () => location.reload(), { once: true });
  };
  addEventListener("pagehide", () => events.close());
})();
