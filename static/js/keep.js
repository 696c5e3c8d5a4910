// Keeps what one types in a <textarea data-keep="name"> on this device until the form is sent,
// so that a lost connection or a closed tab loses nothing. Forgotten after seven days.
const prefix = "tanggap:";
const week = 7 * 24 * 3600 * 1000;
const wait = new Map();

const key = (field) => `${prefix}${location.pathname}#${field.dataset.keep}`;

function store(action) {
  try {
    return action(window.localStorage);
  } catch {
    return null;
  }
}
function restore() {
  for (const field of document.querySelectorAll("textarea[data-keep]:not([data-kept])")) {
    field.dataset.kept = "";
    if (field.dataset.keep === "no") continue;
    const saved = store((shelf) => JSON.parse(shelf.getItem(key(field)) ?? "null"));
    if (saved && !field.value && Date.now() - saved.at < week) {
      field.value = saved.text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}
store((shelf) => {
  for (const name of Object.keys(shelf)) {
    if (!name.startsWith(prefix)) continue;
    const saved = JSON.parse(shelf.getItem(name) ?? "null");
    if (!saved || Date.now() - saved.at > week) shelf.removeItem(name);
  }
});
restore();
document.addEventListener("htmx:load", restore);
document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches?.("textarea[data-keep]") || field.dataset.keep === "no") return;
  clearTimeout(wait.get(field));
  wait.set(field, setTimeout(() => {
    const kept = JSON.stringify({ at: Date.now(), text: field.value });
    store((shelf) => (field.value ? shelf.setItem(key(field), kept) : shelf.removeItem(key(field))));
  }, 400));
});
// The server keeps a refused form's text itself; what was sent is forgotten here.
document.addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("textarea[data-keep]")) {
    clearTimeout(wait.get(field));
    store((shelf) => shelf.removeItem(key(field)));
  }
});
