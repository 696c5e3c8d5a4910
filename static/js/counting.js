// The networks' ways of counting, by the names that the server uses. The server decides; this
// only shows the number while one types. A link counts as data-link characters where given.
const links = /https?:\/\/[^\s<>"']+/gu;
const graphemes = new Intl.Segmenter("id", { granularity: "grapheme" });
const encoder = new TextEncoder();

export const counts = {
  // Unicode code points, as Python's len().
  characters: (text) => [...text].length,
  // What a reader sees as one sign.
  graphemes: (text) => [...graphemes.segment(text)].length,
  // UTF-16 code units, as JavaScript's own length.
  utf16: (text) => text.length,
  bytes: (text) => encoder.encode(text).length,
  words: (text) => text.trim().split(/\s+/u).filter(Boolean).length,
};

export function count(text, rule, link = 0) {
  const measure = counts[rule] ?? counts.characters;
  if (!link) return measure(text);
  return measure(text.replace(links, "x".repeat(link)));
}
