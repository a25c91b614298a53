// The page of who is on call asks again for what waits, and sounds for what is new when its reader wished so.
// Without this script the page is as it was when it was opened.
const list = document.getElementById("on-call-waiting");
const button = document.getElementById("on-call-sound");
const EVERY = 15000;
const ids = () => new Set([...list.querySelectorAll("[data-rings]")].map(each => each.dataset.rings));
let known = ids();
let audio = null;

const sound = () => {
  if (!audio) return;
  [0, 0.35, 0.7].forEach(after => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = 880;
    volume.gain.value = 0.2;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + 0.2);
  });
};

const ask = async () => {
  try {
    const answer = await fetch(list.dataset.onCall, { headers: { "HX-Request": "true", "X-Background": "1" }, redirect: "error" });
    if (!answer.ok) return;
    const text = await answer.text();
    if (list.contains(document.activeElement)) return;
    list.innerHTML = text;
    const now = ids();
    if ([...now].some(each => !known.has(each))) {
      document.getElementById("live").textContent = "Something new waits for an answer.";
      sound();
    }
    known = now;
  } catch { /* the next round asks again */ }
};

if (button && "AudioContext" in window) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    if (on) { audio ||= new AudioContext(); audio.resume(); sound(); } else { audio?.close(); audio = null; }
  });
}
setInterval(ask, EVERY);
