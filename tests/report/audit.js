// What is wrong with the page at hand, as a list of sentences; run by test_pages.py in the page.
(() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (one) => one.checkVisibility({ visibilityProperty: true });
  const name = (one) => `<${one.tagName.toLowerCase()}> '${(one.textContent || "").trim().slice(0, 40)}'`;

  // structure: one title, headings in steps of one, landmarks, links that lead somewhere
  const levels = all("h1,h2,h3,h4").filter(seen).map((one) => Number(one.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) wrong.push("not one h1");
  levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) wrong.push(`h${levels[at - 1]} is followed by h${level}`); });
  for (const mark of ["main", "header", "footer"]) if (all(`body > ${mark}, header > ${mark}`).length !== 1) wrong.push(`not one ${mark}`);
  if (all("nav").length > 1) wrong.push("more than one nav");
  if (document.documentElement.lang !== "en") wrong.push("no language");
  if (!document.title.trim()) wrong.push("no title");
  const ids = all("[id]").map((one) => one.id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`id '${id}' twice`);
  for (const one of all("a")) if (!one.hash || !document.getElementById(one.hash.slice(1))) wrong.push(`${name(one)} leads nowhere`);
  for (const key of ["aria-labelledby", "aria-describedby"]) for (const one of all(`[${key}]`)) if (!document.getElementById(one.getAttribute(key))) wrong.push(`${name(one)}: ${key} names nothing`);
  for (const one of all("section")) if (!one.getAttribute("aria-label") && !one.getAttribute("aria-labelledby")) wrong.push(`${name(one)}: a section without a name`);

  // pictures: there, of a size, and told to those who do not see them
  for (const one of all("svg").filter(seen)) {
    const box = one.getBoundingClientRect();
    if (!box.width || !box.height || !one.childElementCount) wrong.push("an empty picture");
    const told = one.getAttribute("role") === "img" && (one.getAttribute("aria-label") || "").trim();
    if (!told && one.getAttribute("aria-hidden") !== "true") wrong.push("a picture without words");
  }
  for (const one of all("input,select,button").filter(seen)) if (!(one.labels?.[0]?.textContent || one.textContent || one.getAttribute("aria-label") || "").trim()) wrong.push(`a ${one.tagName} without a label`);
  for (const one of all("thead th")) if (!one.scope) wrong.push(`${name(one)} has no scope`);

  // room: the page is never wider than the window, what is wider scrolls and can be reached by keys
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push(`the page is ${wide} wide in a window of ${innerWidth}`);
  for (const one of all(".scroll").filter(seen)) if (one.scrollWidth > one.clientWidth && one.tabIndex < 0) wrong.push(`${name(one)} scrolls, but not by keys`);

  // contrast: WCAG 2.2, 1.4.3: (lighter + 0.05) / (darker + 0.05) of relative luminances is at least 4.5
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { brush.clearRect(0, 0, 1, 1); brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); return [...brush.getImageData(0, 0, 1, 1).data]; };
  const light = (colour) => { const [r, g, b] = rgb(colour).slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (one) => {
    if (one instanceof SVGElement) {
      const shape = one.parentElement?.tagName === "g" && one.parentElement.querySelector(":scope > rect");
      if (one.tagName === "text" && shape && getComputedStyle(shape).fill !== "none") return getComputedStyle(shape).fill;
    } else {
      const colour = getComputedStyle(one).backgroundColor;
      if (rgb(colour)[3] === 255) return colour;
    }
    return one.parentElement ? behind(one.parentElement) : "rgb(255,255,255)";
  };
  const told = new Map();
  for (const one of all("body *")) {
    const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !seen(one) || ["SCRIPT", "STYLE", "TITLE", "title"].includes(one.tagName)) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(one instanceof SVGElement ? style.fill : style.color), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) told.set(`${one.tagName}.${one.getAttribute("class")}`, `${name(one)}, class ${one.getAttribute("class")}: contrast ${ratio.toFixed(2)}`);
  }
  return [...wrong, ...told.values()];
})()
