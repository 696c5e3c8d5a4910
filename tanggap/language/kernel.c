/* The inner loops of reader.py, which says what they mean; kernel.py loads them where they were
   compiled, and NumPy does the same where they were not. No part of Python is used here. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *words, *pieces; /* tables of 2**bits rows: the squared weight, then the labels */
    const float *scale;            /* of each label, and of the squared weight, which comes last */
    int64_t word_bits, piece_bits, labels, stride, pairs;
} group;

typedef struct {
    const group *groups;
    int64_t count, width; /* of a row of sums: all labels, and a squared weight for each group */
    const uint32_t *slang; /* word hashes of short spellings, ascending */
    int64_t slang_count;
    uint64_t caps, shout, seed; /* hashes of ^caps, ^shout; what parts words from pairs */
    int64_t shortest, longest, longest_chunk;
} model;

/* Twice as fast where the processor adds eight numbers at once; chosen when it is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

/* Raised with each change of what the functions take: `kernel.py` uses no other. */
int64_t tanggap_kernel(void) { return 2; }

static const uint64_t PRIME = 0x100000001B3u, MIX = 0x9E3779B97F4A7C15u;
static const uint64_t LEFT = 0xD6E8FEB86659FD93u, RIGHT = 0xCA5A826395121157u;

static uint32_t mixed(uint64_t value) {
    uint64_t spread = value * MIX;
    spread ^= spread >> 32;
    return (uint32_t)((spread * LEFT) >> 32);
}

static uint32_t pair(uint64_t left, uint64_t right) {
    uint64_t spread = left * LEFT + right * RIGHT;
    spread ^= spread >> 32;
    return (uint32_t)((spread * MIX) >> 32);
}

static uint32_t crc_table[256];

static void crc_ready(void) {
    if (crc_table[1]) return;
    for (uint32_t at = 255; at; at--) {
        uint32_t value = at;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
        crc_table[at] = value;
    }
}

/* Sixteen labels are summed at once, in whole numbers that hold the weights of so many rows. */
#define STEP 16
#define AT_ONCE 256
typedef int8_t codes __attribute__((vector_size(STEP)));
typedef int16_t sums __attribute__((vector_size(STEP * sizeof(int16_t))));

static inline void plus(float *into, const float *row, int64_t width) {
    for (int64_t at = 0; at < width; at++) into[at] += row[at];
}

/* Add up to AT_ONCE rows of a table to a row of sums. What is read beyond the last label is not
   used. */
static inline void gather(const uint8_t *table, int64_t bits, const group *g,
                          const uint32_t *hashes, int64_t many, float *row) {
    const uint8_t *found[AT_ONCE];
    const int64_t labels = g->labels;
    uint32_t rare = 0;
    for (int64_t at = 0; at < many; at++) {
        found[at] = table + (int64_t)(hashes[at] >> (32 - bits)) * g->stride;
        rare += found[at][0] | found[at][1] << 8;
    }
    row[labels] += (float)rare * g->scale[labels];
    for (int64_t label = 0; label < labels; label += STEP) {
        sums some = {0};
        for (int64_t at = 0; at < many; at++) {
            codes here;
            memcpy(&here, found[at] + 2 + label, STEP);
            some += __builtin_convertvector(here, sums);
        }
        int16_t told[STEP];
        memcpy(told, &some, sizeof some);
        int64_t left = labels - label < STEP ? labels - label : STEP;
        for (int64_t one = 0; one < left; one++)
            row[label + one] += (float)told[one] * g->scale[label + one];
    }
}

static inline void gather_all(const uint8_t *table, int64_t bits, const group *g,
                              const uint32_t *hashes, int64_t many, float *row) {
    for (int64_t at = 0; at < many; at += AT_ONCE)
        gather(table, bits, g, hashes + at, many - at < AT_ONCE ? many - at : AT_ONCE, row);
}

/* What words (or pairs of words) and pieces weigh, for all groups. */
static inline void weigh(const model *m, float *row, const uint32_t *words, int64_t alone,
                         int64_t pairs, const uint32_t *pieces, int64_t many) {
    for (int64_t at = 0; at < m->count; at++) {
        const group *g = m->groups + at;
        gather_all(g->words, g->word_bits, g, words, alone + (g->pairs ? pairs : 0), row);
        gather_all(g->pieces, g->piece_bits, g, pieces, many, row);
        row += g->labels + 1;
    }
}

/* Numbers of chunks, 0 before each text and at the end, into one row a text. */
FAST void tanggap_sums(const model *m, const int64_t *numbers, int64_t count, const float *rows,
                       const uint64_t *first, const uint64_t *last, float *found) {
    uint32_t pairs[AT_ONCE];
    int64_t many = 0;
    float *row = found - m->width;
    for (int64_t at = 0; at + 1 < count; at++) {
        if (numbers[at] == 0) {
            row += m->width;
            memset(row, 0, sizeof(float) * m->width);
        } else {
            plus(row, rows + numbers[at] * m->width, m->width);
        }
        uint64_t left = last[numbers[at]], right = first[numbers[at + 1]];
        if (left | right) pairs[many++] = pair(left, right);
        if (numbers[at + 1] == 0 || many == AT_ONCE) {
            weigh(m, row, pairs, 0, many, NULL, 0);
            many = 0;
        }
    }
}

/* Features of chunks whose words were read elsewhere, into the rows of their owners, which come in
   order. `kind`: a word (0), a piece (1), a pair of words (2). */
FAST void tanggap_add(const model *m, float *rows, const uint32_t *hashes, const int64_t *whose,
                      int64_t count, int64_t kind) {
    for (int64_t at = 0, end; at < count; at = end) {
        for (end = at; end < count && whose[end] == whose[at];) end++;
        int64_t many = end - at;
        weigh(m, rows + whose[at] * m->width, hashes + at, kind == 0 ? many : 0,
              kind == 2 ? many : 0, hashes + at, kind == 1 ? many : 0);
    }
}

static int slang(const model *m, uint32_t hash) {
    int64_t low = 0, high = m->slang_count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (m->slang[middle] < hash) low = middle + 1;
        else high = middle;
    }
    return low < m->slang_count && m->slang[low] == hash;
}

/* ---- chunks by number ------------------------------------------------------------------------ */

typedef struct {
    uint32_t hash, number, start, length; /* number 0: an empty place */
} place;

typedef struct {
    place *places;    /* 2**n of them, never more than half full */
    uint8_t *letters; /* all chunks, in order, a line feed after each */
    int64_t *ends;    /* of each chunk in `letters`, after its line feed */
    int64_t mask, count, room, letters_room;
    uint64_t seed;
} memory;

enum { INSIDE, SPACE, BETWEEN, WIDE };

static uint8_t kinds[256];

static void kinds_ready(void) {
    if (kinds[' ']) return;
    for (int at = 0x09; at <= 0x0D; at++) kinds[at] = SPACE;
    for (int at = 0x1C; at <= 0x1F; at++) kinds[at] = SPACE;
    kinds[0] = BETWEEN;
    kinds[0xC2] = kinds[0xE1] = kinds[0xE2] = kinds[0xE3] = WIDE;
    kinds[' '] = SPACE;
}

/* Bytes of the space that begins here, as `str.split` knows spaces; 0 where none does. */
static int wide_space(const uint8_t *text, int64_t left) {
    if (text[0] == 0xC2) return left > 1 && (text[1] == 0x85 || text[1] == 0xA0) ? 2 : 0;
    if (left < 3) return 0;
    uint32_t three = (uint32_t)text[0] << 16 | (uint32_t)text[1] << 8 | text[2];
    return three == 0xE19A80 || (three >= 0xE28080 && three <= 0xE2808A) || three == 0xE280A8 ||
                   three == 0xE280A9 || three == 0xE280AF || three == 0xE2819F || three == 0xE38080
               ? 3
               : 0;
}

static uint64_t spread(uint64_t hash) {
    hash ^= hash >> 32;
    hash *= MIX;
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(const memory *m, const uint8_t *chunk, int64_t length) {
    uint64_t hash = m->seed;
    for (int64_t at = 0; at < length; at++) hash = (hash ^ chunk[at]) * PRIME;
    return spread(hash);
}

/* Give all chunks a place among more places. */
void tanggap_seat(memory *m) {
    for (int64_t number = 1; number < m->count; number++) {
        int64_t start = m->ends[number - 1], length = m->ends[number] - start - 1;
        uint64_t hash = hash_of(m, m->letters + start, length);
        int64_t at = hash & m->mask;
        while (m->places[at].number) at = (at + 1) & m->mask;
        m->places[at] = (place){hash >> 32, (uint32_t)number, (uint32_t)start, (uint32_t)length};
    }
}

/* The chunks of `text` by number, from byte `at`; a zero byte stands between texts and is 0. Says at
   which byte it stopped: before the end, where a new chunk has no room. */
int64_t tanggap_number(memory *m, const uint8_t *text, int64_t size, int64_t at, int64_t *numbers,
                       int64_t *many) {
    kinds_ready();
    while (at < size) {
        uint8_t kind = kinds[text[at]];
        int wide = kind == WIDE ? wide_space(text + at, size - at) : 0;
        if (kind == SPACE || wide) {
            at += wide ? wide : 1;
            continue;
        }
        if (kind == BETWEEN) {
            numbers[(*many)++] = 0;
            at++;
            continue;
        }
        int64_t start = at;
        uint64_t hash = m->seed;
        do {
            hash = (hash ^ text[at++]) * PRIME;
            if (at == size) break;
            kind = kinds[text[at]];
        } while (kind == INSIDE || (kind == WIDE && !wide_space(text + at, size - at)));
        hash = spread(hash);
        int64_t length = at - start, here = hash & m->mask;
        place *one = m->places + here;
        while (one->number &&
               (one->hash != (uint32_t)(hash >> 32) || one->length != length ||
                memcmp(m->letters + one->start, text + start, length))) {
            here = (here + 1) & m->mask;
            one = m->places + here;
        }
        if (!one->number) {
            int64_t used = m->ends[m->count - 1];
            if (m->count == m->room || used + length + 1 > m->letters_room) return start;
            *one = (place){hash >> 32, (uint32_t)m->count, (uint32_t)used, (uint32_t)length};
            memcpy(m->letters + used, text + start, length);
            m->letters[used + length] = '\n';
            m->ends[m->count++] = used + length + 1;
        }
        numbers[(*many)++] = one->number;
    }
    return at;
}

/* ---- what a new chunk weighs ------------------------------------------------------------------- */

#define MOST 256 /* signs of a chunk that is read here */

typedef struct {
    uint32_t hash;      /* 0 for a pause */
    int32_t start, end; /* of " word " in `letters`; none of what is no word of letters */
} word;

typedef struct {
    word words[2 * MOST]; /* a shout is a word and a pause */
    uint8_t letters[2 * MOST + 2];
    int count, end, shouts, capitals, others;
} chunk_read;

static inline int letter(uint8_t sign) { return (uint8_t)((sign | 0x20) - 'a') < 26; }
static inline int digit(uint8_t sign) { return (uint8_t)(sign - '0') < 10; }

static void say(chunk_read *r, uint32_t hash, int start, int end) {
    r->words[r->count++] = (word){hash, start, end};
}

static uint32_t crc(uint32_t hash, uint8_t sign) {
    return crc_table[(hash ^ sign) & 0xFF] ^ (hash >> 8);
}

/* `normalise.read` for chunks of plain signs: letters, numbers and the usual marks. Says no where
   it would have to look closer: other scripts, links, slang, letters and digits in one word. */
static int read_chunk(const model *m, const uint8_t *chunk, int64_t length, chunk_read *r) {
    r->count = r->shouts = r->capitals = r->others = 0;
    r->end = 1;
    r->letters[0] = ' ';
    int64_t at = 0;
    while (at < length) {
        uint8_t sign = chunk[at];
        if (letter(sign)) {
            int start = r->end;
            uint32_t hash = 0xFFFFFFFFu;
            do {
                uint8_t low = chunk[at] | 0x20;
                if (chunk[at] < 'a') r->capitals++;
                else r->others++;
                hash = crc(hash, low);
                r->letters[r->end++] = low;
                if (r->end - start > 2 && low == r->letters[r->end - 2] &&
                    low == r->letters[r->end - 3])
                    return 0;
                at++;
                if (at + 1 < length && (chunk[at] == '\'' || chunk[at] == '`') &&
                    letter(chunk[at + 1]))
                    at++;
            } while (at < length && letter(chunk[at]));
            hash = ~hash;
            if (slang(m, hash)) return 0;
            if (r->end - start == 3 && !memcmp(r->letters + start, "www", 3)) return 0;
            r->letters[r->end++] = ' ';
            say(r, hash ? hash : 1, start - 1, r->end);
        } else if (digit(sign)) {
            int many = 0;
            uint32_t hash = 0xFFFFFFFFu;
            do {
                if (many++ < 5) hash = crc(hash, '0');
                at++;
                if (at + 1 < length && digit(chunk[at + 1]) &&
                    (chunk[at] == '.' || chunk[at] == ',' || chunk[at] == ':' || chunk[at] == '/'))
                    at++;
            } while (at < length && digit(chunk[at]));
            if (at < length && letter(chunk[at])) return 0;
            say(r, ~hash, 0, 0);
        } else if (sign == '!' || sign == '?') {
            int64_t start = at;
            uint8_t other = sign == '!' ? '?' : '!';
            while (at < length && (chunk[at] == '!' || chunk[at] == '?')) at++;
            say(r, ~crc(0xFFFFFFFFu, sign), 0, 0);
            if (memchr(chunk + start, other, at - start)) say(r, ~crc(0xFFFFFFFFu, other), 0, 0);
            r->shouts += at - start > 1;
            say(r, 0, 0, 0);
        } else if (sign == '-' || sign == '/' || sign == '&' || sign == '+' || sign == '\'' ||
                   sign == '`') {
            at++;
        } else if (sign <= ' ' || sign >= 0x7F || sign == '@' || sign == '#' || sign == '$' ||
                   sign == '_') {
            return 0;
        } else {
            uint8_t next = at + 1 < length ? chunk[at + 1] : 0;
            /* What may be a link. */
            if (sign == '.' && (letter(next) || digit(next) || next == '-' || next == '_')) return 0;
            if (sign == ':' && next == '/') return 0;
            if (!r->count || r->words[r->count - 1].hash) say(r, 0, 0, 0);
            at++;
        }
    }
    return 1;
}

#define PIECES 5 /* of one letter on: from two to LONGEST of features.py */

/* New chunks from number `from` on, into rows of zeros of their own. What is not read here is left:
   done[at] says which was read. */
FAST void tanggap_learn(const model *m, const memory *known, int64_t from, int64_t count,
                        float *rows, uint64_t *first, uint64_t *last, uint8_t *done) {
    chunk_read r;
    uint32_t words[5 * MOST], pieces[2 * MOST * PIECES];
    crc_ready();
    for (int64_t at = 0; at < count; at++) {
        int64_t start = known->ends[from + at - 1];
        int64_t length = known->ends[from + at] - start - 1;
        done[at] = 0;
        if (length > m->longest_chunk || length >= MOST || m->longest > PIECES + 1) continue;
        if (!read_chunk(m, known->letters + start, length, &r)) continue;
        done[at] = 1;
        first[at] = r.count ? r.words[0].hash : 0;
        last[at] = r.count ? r.words[r.count - 1].hash : 0;
        int64_t alone = 0, pairs = 0, many = 0;
        for (int one = 0; one < r.count; one++) {
            const word *w = r.words + one;
            if (!w->hash) continue;
            words[alone++] = mixed(w->hash + m->seed);
            for (int begin = w->start; begin + 1 < w->end; begin++) {
                uint64_t rolling = (uint64_t)r.letters[begin] + 1;
                for (int size = 2; size <= m->longest && begin + size <= w->end; size++) {
                    rolling = rolling * PRIME + r.letters[begin + size - 1];
                    if (size >= m->shortest)
                        pieces[many++] = mixed(rolling + ((uint64_t)size << 56));
                }
            }
        }
        if (r.capitals > 2 && !r.others) words[alone++] = mixed(m->caps + m->seed);
        for (int one = 0; one < r.shouts; one++) words[alone++] = mixed(m->shout + m->seed);
        for (int one = 1; one < r.count; one++)
            if (r.words[one].hash || r.words[one - 1].hash)
                words[alone + pairs++] = pair(r.words[one - 1].hash, r.words[one].hash);
        weigh(m, rows + at * m->width, words, alone, pairs, pieces, many);
    }
}

/* ---- texts that may name a place --------------------------------------------------------------- */

enum { CUE = 1, NEAR = 2, SECOND = 4, FIRST = 8, CAPITAL = 16, ALWAYS = 32, STOP = 64, SIGN = 128 };
enum { SINGLE, MULTI, LAST };

typedef struct {
    int64_t sure, near_, capital;
} worths;

typedef struct {
    int64_t text, before, here, after, several, cue;
} doubt;

/* `Scout.promising`: marks texts that may name a place; what hangs on the words of two chunks is
   put down as a doubt, at most one for each chunk. Says how many doubts there are. */
int64_t tanggap_promising(const worths *w, const int64_t *numbers, int64_t count,
                          const int16_t *judged, const uint8_t *flags, const int64_t *signs,
                          const int64_t *said, uint8_t *promising, doubt *doubts) {
    int64_t text = -1, many = 0, spelt = 0, chunks = 0;
    int64_t before = 0, here = 0, stopped = 1; /* of the last two chunks with words */
    for (int64_t at = 0; at < count; at++) {
        int64_t number = numbers[at];
        uint8_t told = flags[number];
        if (!(told & SIGN)) {
            /* What follows `here` is known now. */
            if (here) {
                const int16_t *worth = judged + 3 * here;
                uint8_t mine = flags[here], ahead = flags[before];
                int64_t lent = (ahead & (NEAR | CUE) ? w->near_ : 0) +
                               (mine & CAPITAL && !stopped ? w->capital : 0);
                int second = (told & SECOND) != 0;
                int several = second && (worth[MULTI] + lent >= w->sure || worth[LAST] >= w->sure);
                int cue = mine & FIRST && ahead & CUE;
                if (worth[SINGLE] + lent >= w->sure) promising[text] = 1;
                else if (several || cue)
                    doubts[many++] = (doubt){text, before, here, number, several, cue};
            }
            before = here;
            here = number;
            stopped = at ? (flags[numbers[at - 1]] & STOP) != 0 : 1;
        }
        if (number == 0) {
            if (text >= 0 && said[text] != spelt + (chunks > 1 ? chunks - 1 : 0))
                promising[text] = 1;
            text++;
            spelt = chunks = 0;
        } else {
            if (told & ALWAYS) promising[text] = 1;
            spelt += signs[number];
            chunks++;
        }
    }
    return many;
}
