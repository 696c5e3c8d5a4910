/* The inner loops of reader.py, which says what they mean; kernel.py loads them where they were
   compiled, and NumPy does the same where they were not. No part of Python is used here. */

#include <stdint.h>
#include <string.h>

typedef struct {
    const float *words, *pieces; /* tables of 2**bits rows and one more, of zeros */
    int64_t word_bits, piece_bits, width, pairs;
} group;

typedef struct {
    const group *groups;
    int64_t count, width;
    const uint32_t *slang; /* word hashes of short spellings, ascending */
    int64_t slang_count;
    uint64_t caps, seed; /* the hash of ^caps; what parts words from pairs */
    int64_t shortest, longest, longest_chunk;
} model;

/* Twice as fast where the processor adds eight numbers at once; chosen when it is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

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

static inline void plus(float *into, const float *row, int64_t width) {
    for (int64_t at = 0; at < width; at++) into[at] += row[at];
}

static const float *row_of(const float *table, int64_t bits, uint32_t hash, int64_t width) {
    return table + (int64_t)(hash >> (32 - bits)) * width;
}

/* What a word (0), a piece (1) or a pair of words (2) weighs, for all groups. */
static inline void weigh(const model *m, float *row, uint32_t hash, int kind) {
    for (int64_t at = 0; at < m->count; at++) {
        const group *g = m->groups + at;
        if (kind == 1)
            plus(row, row_of(g->pieces, g->piece_bits, hash, g->width), g->width);
        else if (kind == 0 || g->pairs)
            plus(row, row_of(g->words, g->word_bits, hash, g->width), g->width);
        row += g->width;
    }
}

/* Numbers of chunks, 0 before each text and at the end, into one row a text. */
FAST void tanggap_sums(const model *m, const int64_t *numbers, int64_t count, const float *rows,
                  const uint64_t *first, const uint64_t *last, float *found) {
    float *row = found;
    for (int64_t at = 0; at + 1 < count; at++) {
        if (numbers[at] == 0) {
            row = at ? row + m->width : found;
            memset(row, 0, sizeof(float) * m->width);
        } else {
            plus(row, rows + numbers[at] * m->width, m->width);
        }
        uint64_t left = last[numbers[at]], right = first[numbers[at + 1]];
        if (left | right) weigh(m, row, pair(left, right), 2);
    }
}

/* Features of chunks whose words were read elsewhere, into the rows of their owners. */
FAST void tanggap_add(const model *m, float *rows, const uint32_t *hashes, const int64_t *whose,
                 int64_t count, int64_t kind) {
    for (int64_t at = 0; at < count; at++)
        weigh(m, rows + whose[at] * m->width, hashes[at], (int)kind);
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

/* Chunks of plain letters, with or without a comma or a full stop, are read here; others are left:
   done[at] says which. `letters` holds all chunks, `ends` where each ends. */
FAST void tanggap_learn(const model *m, const uint8_t *letters, const int64_t *ends, int64_t count,
                   float *rows, uint64_t *first, uint64_t *last, uint8_t *done) {
    uint8_t word[256];
    crc_ready();
    for (int64_t at = 0; at < count; at++) {
        const uint8_t *chunk = letters + (at ? ends[at - 1] : 0);
        int64_t length = ends[at] - (at ? ends[at - 1] : 0), size = length;
        done[at] = 0;
        if (!length || length > m->longest_chunk) continue;
        uint8_t sign = chunk[length - 1];
        int pause = length > 1 && (sign == '.' || sign == ',' || sign == ';' || sign == ':');
        size -= pause;
        int upper = 1, plain = 1;
        uint32_t hash = 0xFFFFFFFFu;
        word[0] = ' ';
        for (int64_t one = 0; one < size && plain; one++) {
            uint8_t letter = chunk[one], low = letter | 0x20;
            plain = low >= 'a' && low <= 'z';
            upper &= letter < 'a';
            word[one + 1] = low;
            plain &= one < 2 || low != word[one] || low != word[one - 1];
            hash = crc_table[(hash ^ low) & 0xFF] ^ (hash >> 8);
        }
        hash = ~hash;
        if (!plain || slang(m, hash)) continue;
        word[size + 1] = ' ';
        if (!hash) hash = 1;
        float *row = rows + at * m->width;
        done[at] = 1;
        first[at] = hash;
        last[at] = pause ? 0 : hash;
        weigh(m, row, mixed(hash + m->seed), 0);
        if (upper && size > 2) weigh(m, row, mixed(m->caps + m->seed), 0);
        if (pause) weigh(m, row, pair(hash, 0), 2);
        for (int64_t start = 0; start + 1 < size + 2; start++) {
            uint64_t rolling = (uint64_t)word[start] + 1;
            for (int64_t long_ = 2; long_ <= m->longest && start + long_ <= size + 2; long_++) {
                rolling = rolling * PRIME + word[start + long_ - 1];
                if (long_ >= m->shortest)
                    weigh(m, row, mixed(rolling + ((uint64_t)long_ << 56)), 1);
            }
        }
    }
}
