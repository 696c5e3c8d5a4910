// The keyboard map. A page says what a key does with aria-keyshortcuts ("Alt+J", "A", "G I",
// "Control+K"); pressing it clicks the link or button, or goes into the field, as a mouse would.
// Single letters never act while one types, and can be switched off (WCAG 2.1.4).
const letters = document.body.dataset.letterKeys !== "off";
const away = { t: "/", "g i": "/pesan/", "g c": "/konten/", "g p": "/rencana/", "g r": "/aduan/" };
let first = "";
let timer = 0;

const typing = (element) =>
  element.matches?.("input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]");

function name(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("control");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (event.ctrlKey || event.metaKey || event.altKey)) parts.push("shift");
  const letter = event.altKey && /^Key[A-Z]$/.test(event.code) ? event.code[3] : event.key;
  return [...parts, letter.toLowerCase()].join("+");
}
function target(pressed) {
  const scope = document.querySelector("dialog[open]") ?? document;
  for (const element of scope.querySelectorAll("[aria-keyshortcuts]")) {
    // "G I" is a sequence; "Alt+J Alt+ArrowDown" are two ways for one thing.
    const said = element.getAttribute("aria-keyshortcuts").toLowerCase();
    const ways = /^\S \S$/.test(said) ? [said] : said.split(" ");
    if (ways.includes(pressed) && element.getClientRects().length) return element;
  }
  return null;
}
function act(element) {
  if (typing(element)) {
    element.focus();
    element.select?.();
  } else element.click();
}
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const pressed = name(event);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (pressed === "control+enter" && event.target.form) {
    event.preventDefault();
    event.target.form.requestSubmit();
    return;
  }
  // "/" at the start of an empty answer opens the saved answers, as in other inboxes.
  if (plain && event.key === "/" && event.target.matches?.("[data-keep=reply]") && !event.target.value) {
    const saved = target("/");
    if (saved) {
      event.preventDefault();
      act(saved);
    }
    return;
  }
  if (plain && (typing(event.target) || event.key.length > 1)) return;
  if (pressed === "control+shift+h" || (pressed === "?" && letters)) {
    const sheet = document.getElementById("keys-dialog");
    if (!sheet) return;
    event.preventDefault();
    if (sheet.open) sheet.close();
    else sheet.showModal();
    return;
  }
  if (plain && !letters) return;
  const pair = plain && first ? `${first} ${pressed}` : "";
  const found = (pair && target(pair)) || target(pressed);
  const place = plain && !document.querySelector("dialog[open]") && (away[pair] ?? away[pressed]);
  clearTimeout(timer);
  first = plain && pressed === "g" ? "g" : "";
  timer = setTimeout(() => (first = ""), 1200);
  if (found) {
    event.preventDefault();
    act(found);
  } else if (place) {
    event.preventDefault();
    location.assign(place);
  }
});
