// <div data-presence="/pesan/12/hadir/" data-every="15">: tells the server that somebody is
// looking, and shows its answer (HTML made by our own templates) inside the element.
for (const place of document.querySelectorAll("[data-presence]")) {
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  const beat = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.presence, {
        method: "POST",
        headers: { "X-CSRFToken": token, "HX-Request": "true" },
      });
      if (!answer.ok || answer.redirected) return;
      const said = await answer.text();
      if (said !== place.dataset.said) {
        place.dataset.said = said;
        place.innerHTML = said;
      }
    } catch {
      // Offline: the next beat tries again.
    }
  };
  beat();
  setInterval(beat, 1000 * (Number(place.dataset.every) || 15));
}
