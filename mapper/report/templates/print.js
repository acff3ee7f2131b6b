"use strict";
addEventListener("beforeprint", () => {
  for (const found of document.querySelectorAll("details")) found.open = true;
});
