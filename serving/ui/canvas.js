// The sheet to draw on. Runs once, inside gr.HTML: `element`, `props`, `trigger` and `watch` are Gradio's.
// The width of the stroke, as a share of the sheet's side, is chosen for MNIST's digits: see digit.py.
const sheet = element.querySelector("canvas");
const pen = sheet.getContext("2d");
let last = null;

const wipe = () => {
  pen.fillStyle = "white";
  pen.fillRect(0, 0, sheet.width, sheet.height);
  props.value = sheet.toDataURL("image/png");
};

const place = (event) => {
  const box = sheet.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) * sheet.width) / box.width,
    y: ((event.clientY - box.top) * sheet.height) / box.height,
  };
};

const draw = (event) => {
  const here = place(event);
  pen.beginPath();
  pen.moveTo(last.x, last.y);
  pen.lineTo(here.x, here.y);
  pen.lineWidth = Number(sheet.dataset.stroke) * sheet.width;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "black";
  pen.stroke();
  last = here;
};

sheet.addEventListener("pointerdown", (event) => {
  sheet.setPointerCapture(event.pointerId);
  last = place(event);
  draw(event);
});
sheet.addEventListener("pointermove", (event) => {
  if (last) (event.getCoalescedEvents?.() ?? [event]).forEach(draw);
});
const lift = () => {
  if (!last) return;
  last = null;
  props.value = sheet.toDataURL("image/png");
  trigger("input");
};
sheet.addEventListener("pointerup", lift);
sheet.addEventListener("pointercancel", lift);
element.addEventListener("wipe", wipe);
wipe();
