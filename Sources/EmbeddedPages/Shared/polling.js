// Asks for what is shown, again and again while somebody sees the page.

/** What is at a path. An error has the status of a response that is none of success, and its message or text. */
async function getJSON(path, query) {
  const parameters = query ? `?${new URLSearchParams(query)}` : "";
  const response = await fetch(path + parameters, { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (response.ok) return response.json();
  const text = await response.text();
  const isJSON = response.headers.get("Content-Type")?.startsWith("application/json");
  throw Object.assign(new Error(isJSON ? JSON.parse(text).message : text), { status: response.status });
}

/**
 * Asks with `ask`, shows what comes with `show`, and does so again after `pause()` milliseconds. While there is no answer,
 * the banner says so. What it returns asks at once.
 */
function polling({ ask, show, pause }) {
  const banner = byId("lost");
  let timer = 0;
  let asked = 0;
  let shownAt = null;
  const setLost = (isLost) => {
    if (isLost && banner.hidden) {
      banner.textContent = shownAt ? `The connection is lost. What is shown is from ${clock(shownAt)}; trying again.`
        : "There is no connection; trying again.";
    }
    banner.hidden = !isLost;
    document.body.classList.toggle("lost", isLost);
  };
  async function poll() {
    clearTimeout(timer);
    const number = ++asked;
    try {
      const answer = await ask();
      if (number !== asked) return;
      shownAt = Date.now();
      setLost(false);
      show(answer);
    } catch {
      if (number !== asked) return;
      setLost(true);
    }
    if (!document.hidden) timer = setTimeout(poll, pause());
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  return poll;
}
