// <div data-live="/peristiwa/?percakapan=12" data-open="12">: hears what changes while the page is
// looked at, and fetches the parts concerned ([data-part]) again. A hidden page hears nothing: it
// costs no connection, and tells nobody that somebody is here.
const place = document.querySelector("[data-live]");
const said = document.querySelector("[data-live-said]");
const presence = document.querySelector("[data-presence]");
const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
const typing = (element) =>
  element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, summary");

async function get(address, options = {}) {
  try {
    const answer = await fetch(address, { ...options, headers: { "HX-Request": "true", "X-CSRFToken": token } });
    return answer.ok && !answer.redirected ? await answer.text() : null;
  } catch {
    return null; // Offline: the stream comes back, and with it the question.
  }
}
async function renew(name) {
  const old = document.querySelector(`[data-part="${name}"]`);
  if (!old || !old.getClientRects().length) return;
  if (typing(old)) return later(name);
  const address = new URL(location.href);
  address.searchParams.set("bagian", name);
  const text = await get(address);
  if (text === null || typing(old)) return;
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector(`[data-part="${name}"]`);
  if (!fresh || fresh.innerHTML === old.innerHTML) return;
  const low = old.scrollTop + old.clientHeight >= old.scrollHeight - 8;
  const top = old.scrollTop;
  old.innerHTML = fresh.innerHTML;
  old.scrollTop = low && name === "said" ? old.scrollHeight : top;
  if (name === "said" && said) said.textContent = said.dataset.liveSaid;
}
// What the page shows itself at once; the list, which all look at, after a moment.
const wait = { said: [50, 100], list: [2000, 3000] };
const timers = {};
function later(name) {
  const [least, more] = wait[name];
  timers[name] ??= setTimeout(() => {
    delete timers[name];
    renew(name);
  }, least + Math.random() * more);
}
async function present(options) {
  if (!presence) return;
  const text = await get(presence.dataset.presence, options);
  if (text !== null && text !== presence.dataset.said) {
    presence.dataset.said = text;
    presence.innerHTML = text;
  }
}

function hear() {
  let source = null;
  let before = false;
  const both = () => ["said", "list"].forEach(later);
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(place.dataset.live);
    source.onopen = () => {
      present();
      // What happened while nobody listened.
      if (before) both();
      before = true;
    };
    source.addEventListener("conversation", (event) => {
      later("list");
      if (String(JSON.parse(event.data).id) === place.dataset.open) later("said");
    });
    source.addEventListener("presence", () => present());
    source.addEventListener("all", both);
  };
  const shut = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? shut() : open()));
  window.addEventListener("pagehide", shut);
  window.addEventListener("pageshow", open);
  open();
}
if (place) {
  hear();
  let told = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-keep=reply]") || Date.now() - told < 20000) return;
    told = Date.now();
    present({ method: "POST", body: new URLSearchParams({ writing: "1" }) });
  });
}
