"use strict";
// Numbers as the tables write them, and axes that are logarithmic by their values.

function shown(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size >= 1000 && size < 1e6) return Math.round(value).toLocaleString("en");
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) {
    return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  }
  return String(Number(value.toPrecision(digits)));
}

// A logarithmic axis holds decimal logarithms: a gap of 1e-400 is no number, its logarithm is one.
function ofLogarithm(logarithm, digits = 3) {
  if (logarithm === null || logarithm === undefined) return "–";
  if (Math.abs(logarithm) < 300) return shown(10 ** logarithm, digits);
  const power = Math.floor(logarithm);
  return `${shown(10 ** (logarithm - power), digits)}e${power}`;
}

function onAxis(axis, value, digits) {
  return axis.log ? ofLogarithm(value, digits) : shown(value, digits);
}
