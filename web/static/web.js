// The pages work without this file. It keeps a form from being sent twice, also by going back
// or reloading, and adds the buttons that need a script.
if (document.currentScript.dataset.address) { // of the page with the form that this page answers
  history.replaceState(history.state, "", document.currentScript.dataset.address);
}
addEventListener("submit", (e) => {
  const buttons = [...e.target.elements].filter((x) => x.type === "submit" && !x.disabled);
  const set = (off) => buttons.forEach((x) => { x.disabled = off; x.toggleAttribute("data-sent", off); });
  setTimeout(() => set(true)); // after the form was read: a disabled button is not sent
  setTimeout(() => set(false), 10000); // where no answer comes
});
addEventListener("pageshow", (e) => {
  if (e.persisted) document.querySelectorAll("[data-sent]").forEach((x) => { x.disabled = false; });
});
document.querySelectorAll("[data-print]").forEach((x) => {
  x.hidden = false;
  x.addEventListener("click", () => print());
});
document.querySelectorAll("[data-copy]").forEach((x) => {
  if (!navigator.clipboard) return;
  x.hidden = false;
  x.addEventListener("click", async () => {
    const parts = [...document.querySelectorAll(x.dataset.copy)].map((c) => c.textContent.trim());
    await navigator.clipboard.writeText(parts.join("\n"));
    x.textContent = x.dataset.copied;
  });
});
// Times are in UTC, which the pages say. Here they are in the zone of the browser.
function inZone(at) {
  const lang = document.documentElement.lang || undefined;
  return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { // as the pages write dates: 2 January 2026
    day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  }).format(at);
}
document.querySelectorAll("time[data-local]").forEach((x) => {
  const at = new Date(x.dateTime);
  if (!isNaN(at)) x.textContent = inZone(at);
});
document.querySelectorAll("option[data-utc]").forEach((x) => { // an option has no elements
  const at = new Date(x.dataset.at), text = x.textContent, i = text.lastIndexOf(x.dataset.utc); // the last: a name may have one
  if (!isNaN(at) && i >= 0) x.textContent = text.slice(0, i) + inZone(at) + text.slice(i + x.dataset.utc.length);
});
