"use strict";

// Before anything is painted: light or dark, as it was chosen last; without a choice, as the system has it.
const THEME = "cairn-theme";

function recall(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* a browser that keeps nothing of a file still shows it */ }
}

if (recall(THEME)) document.documentElement.dataset.theme = recall(THEME);
