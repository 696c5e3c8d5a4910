// The counters of tanggap/channels/counters.py, by the same names and with the same answers (a
// test compares them). The server decides; this shows the number while one types.
const emoji = /\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[\u{1F000}-\u{1FAFF}])(?:\uFE0F|\p{Emoji_Modifier}|[\u{E0020}-\u{E007F}])*(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})*)*/gu;
const word = "\\p{L}\\p{N}\\p{M}_";
const tail = `(?<![.,:;!?'"…\\]}])`;
const url = new RegExp(
  `(?<![${word}@$#./\\-])https?://(?:[\\p{L}\\p{N}](?:[\\p{L}\\p{N}_\\-]*[\\p{L}\\p{N}])?\\.)+\\p{L}{2,}(?::\\d+)?(?:[/?#](?:[^\\s<>"“”()]|\\([^\\s<>"()]*\\))*${tail})?`,
  "giu",
);
const generic = "com|org|net|edu|gov|mil|int|info|biz|name|pro|app|dev|online|site|store|xyz|blog|news";
const label = "[a-z0-9](?:[a-z0-9\\-]*[a-z0-9])?\\.";
const bare = new RegExp(
  `(?<![${word}@$#./\\-])(?:(?:${label})+(?:${generic})|(?:${label}){2,}[a-z]{2}|${label}[a-z]{2}(?=/))(?![${word}@\\-])(?:/(?:[^\\s<>"()]|\\([^\\s<>"()]*\\))*${tail})?`,
  "giu",
);
const light = [[0, 4351], [8192, 8205], [8208, 8223], [8242, 8247]];
const clusters = new Intl.Segmenter("id", { granularity: "grapheme" });
const encoder = new TextEncoder();

const codepoints = (text) => [...text].length;
const bytes = (text) => encoder.encode(text).length;
const graphemes = (text) => [...clusters.segment(text)].length;

function weighted(text) {
  let rest = text.normalize("NFC");
  let total = 0;
  for (const [pattern, weight, left] of [[url, 21, "\n\n"], [bare, 21, "\n\n"], [emoji, 2, ""]]) {
    rest = rest.replace(pattern, () => {
      total += weight;
      return left;
    });
  }
  for (const sign of rest) {
    const code = sign.codePointAt(0);
    total += light.some(([low, high]) => low <= code && code <= high) ? 1 : 2;
  }
  return total;
}

export const counters = {
  codepoints,
  graphemes,
  utf8_bytes: bytes,
  utf16_units: (text) => text.length,
  emoji_as_bytes: (text) =>
    (text.match(emoji) ?? []).reduce((sum, one) => sum + bytes(one) - codepoints(one), codepoints(text)),
  weighted,
};

// Where the network counts every address as `link` signs, and of a mention only the name.
export function count(text, rule, link = 0) {
  const measure = counters[rule] ?? graphemes;
  if (!link) return measure(text);
  const named = text.replace(url, "x".repeat(link));
  return measure(named.replace(/(?<![\p{L}\p{N}_/])@(\w+)@[\w.-]+\w/gu, "@$1"));
}
