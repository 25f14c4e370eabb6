/* The forward pass of BERT (Devlin et al. 2019, https://arxiv.org/abs/1810.04805) in bfloat16, for
 * x86-64 processors that multiply tiles of it (AMX).
 *
 * `bert_kernel.py` loads the library of this file and knows what may be given to it. Texts lie one
 * behind the other, without padding, and no number of one touches another's: a text's vector is the
 * same bit for bit in any company. Products are of bfloat16, summed in float32; norms, softmax,
 * GELU and the states that pass by the products are float32. Nothing here allocates memory, keeps a
 * state, or knows Python, so that several threads may run it at once.
 *
 * Two layouts, both in blocks of 32 by 32:
 *
 * - What is multiplied lies in strips. A strip is 32 columns of all rows, 64 bytes to a row, so
 *   that any 16 rows of it are a tile in one piece of memory.
 * - What it is multiplied by lies in panels. A panel is 32 columns, in steps of 32 rows; a step is
 *   two tiles of 16 columns; a row of such a tile is two rows of the matrix, number beside number,
 *   as the processor wants them.
 */
#if defined(__x86_64__) && defined(__linux__)

#define _DEFAULT_SOURCE /* for syscall */
#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define VECTORS "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c"
#define FAST __attribute__((target(VECTORS)))
#define TILED __attribute__((target(VECTORS ",amx-tile,amx-bf16")))
#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = 16, /* numbers of float32 to a vector */
    BLOCK = 32, /* rows or columns; numbers of bfloat16 to a vector */
    AREA = BLOCK * BLOCK,
    TILE = AREA / 2, /* numbers of bfloat16 */
};

typedef uint16_t bf16;

/* A weight is in panels, a bias is not. */
typedef struct { const bf16 *weight; const float *bias; } Linear;
typedef struct { const float *scale, *shift; } Norm;
typedef struct { Linear in, out, up, down; Norm attention, layer; } Layer;

typedef struct {
    int32_t width, inner, heads, layers, words, positions;
    float epsilon;
    int32_t words_are_halves;
    const void *word;      /* (words, width), float16 or float32 */
    const float *position; /* (positions, width) */
    Norm embeddings;
    const Layer *layer;
} Bert;

/* Where a thread keeps what it computes. */
typedef struct {
    float *states; /* (tokens, width) */
    bf16 *rounded; /* strips (tokens, width): the states, or what heads attend to */
    bf16 *wide;    /* strips (tokens, 3 width) of query, key and value, or (tokens, inner) */
    bf16 *keys;    /* panels (head, longest text) */
    bf16 *values;  /* panels (longest text, head) */
    float *scores; /* blocks (32, longest text) */
    bf16 *shares;  /* strips (32, longest text): the softmax of the scores, not yet divided */
    size_t strip;  /* from a strip to the next, in numbers */
} Workspace;

static size_t blocks_of(size_t length) { return (length + BLOCK - 1) / BLOCK; }

/* ---- the processor --------------------------------------------------------------------------- */

/* The registers that the kernel of the system keeps for a process, a bit each. */
static unsigned long long kept_registers(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

/* Whether this machine runs `bert_run`. A process has to ask Linux for the registers of tiles, once
 * for all of its threads: this does. */
EXPORTED int bert_is_runnable(void) {
    enum { ASK = 0x1023 /* ARCH_REQ_XCOMP_PERM */, TILE_DATA = 18 };
    const unsigned long long registers = 0x600e6; /* vectors, masks and tiles */
    const unsigned basic = bit_OSXSAVE | bit_FMA | bit_F16C;
    const unsigned avx = bit_AVX2 | bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    const unsigned avx512_bf16 = 1u << 5, amx = 1u << 22 | 1u << 24; /* amx_bf16, amx_tile */
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & basic) != basic) return false;
    if ((kept_registers() & registers) != registers) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if ((b & avx) != avx || (d & amx) != amx) return false;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & avx512_bf16)) return false;
    return syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Eight of 16 rows of 64 bytes. Static, as gcc does not see that all of it is read. */
static const struct {
    uint8_t palette, start, unused[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tiles = {
    .palette = 1,
    .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

TILED static void configure_tiles(void) { _tile_loadconfig(&tiles); }

TILED static void release_tiles(void) { _tile_release(); }

/* block (32, 32) = 32 rows of strips times a panel. The panel is to stay in the nearest cache for
 * the rows that follow, so that rows are loaded past it. */
TILED static void multiply(const bf16 *rows, size_t strip, const bf16 *panel, size_t steps,
                           float *block) {
    enum { NUMBERS = 64, SUMS = BLOCK * sizeof(float) }; /* bytes from row to row */
    __asm__ volatile("" ::: "memory"); /* gcc may load tiles before what is in them is stored */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t step = 0; step < steps; step++, rows += strip, panel += AREA) {
        _tile_stream_loadd(4, rows, NUMBERS);
        _tile_loadd(6, panel, NUMBERS);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, panel + TILE, NUMBERS);
        _tile_dpbf16ps(1, 4, 7);
        _tile_stream_loadd(5, rows + TILE, NUMBERS);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, block, SUMS);
    _tile_stored(1, block + LANES, SUMS);
    _tile_stored(2, block + AREA / 2, SUMS);
    _tile_stored(3, block + AREA / 2 + LANES, SUMS);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* 32 numbers, rounded to bfloat16. */
FAST INLINE void store_rounded(bf16 *to, __m512 left, __m512 right) {
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(right, left));
}

FAST INLINE __m512 all(float number) { return _mm512_set1_ps(number); }

/* 2 to the power of x <= 0, to the accuracy of float32; what is less than 2^-126 is as good as 0.
 * A minimax fit for the part of x behind its nearest whole number, off by 8e-8 at most. */
FAST INLINE __m512 power_of_2(__m512 x) {
    x = _mm512_max_ps(x, all(-126));
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT);
    const __m512 rest = _mm512_sub_ps(x, whole);
    __m512 power = all(0.0013276472f);
    power = _mm512_fmadd_ps(power, rest, all(0.00967554174f));
    power = _mm512_fmadd_ps(power, rest, all(0.0555071328f));
    power = _mm512_fmadd_ps(power, rest, all(0.240221197f));
    power = _mm512_fmadd_ps(power, rest, all(0.693146967f));
    power = _mm512_fmadd_ps(power, rest, all(1.00000007f));
    return _mm512_scalef_ps(power, whole);
}

/* x Φ(x), off by 1.6e-5 at most. Φ(x) - 1/2 is x times a polynomial of x², a minimax fit for
 * |x| < 4.5 about the middle of x², beyond which Φ is taken to be 0 or 1. */
FAST INLINE __m512 gelu(__m512 x) {
    const __m512 near = _mm512_max_ps(_mm512_min_ps(x, all(4.5f)), all(-4.5f));
    const __m512 square = _mm512_fmsub_ps(near, near, all(10.125f));
    __m512 slope = all(-8.41074111e-13f);
    slope = _mm512_fmadd_ps(slope, square, all(3.82305238e-11f));
    slope = _mm512_fmadd_ps(slope, square, all(-7.14869226e-10f));
    slope = _mm512_fmadd_ps(slope, square, all(1.00537285e-08f));
    slope = _mm512_fmadd_ps(slope, square, all(-1.64595128e-07f));
    slope = _mm512_fmadd_ps(slope, square, all(2.6918333e-06f));
    slope = _mm512_fmadd_ps(slope, square, all(-3.89502714e-05f));
    slope = _mm512_fmadd_ps(slope, square, all(0.000533786232f));
    slope = _mm512_fmadd_ps(slope, square, all(-0.00762234314f));
    slope = _mm512_fmadd_ps(slope, square, all(0.156904219f));
    return _mm512_mul_ps(x, _mm512_fmadd_ps(near, slope, all(0.5f)));
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* The states with mean 0 and variance 1, scaled and moved, and rounded beside. */
FAST static void normalise(const Bert *bert, const Norm *norm, size_t tokens,
                           const Workspace *work) {
    const size_t width = (size_t)bert->width;
    for (size_t token = 0; token < tokens; token++) {
        float *row = work->states + token * width;
        __m512 sum = all(0), squares = all(0);
        for (size_t i = 0; i < width; i += LANES)
            sum = _mm512_add_ps(sum, _mm512_loadu_ps(row + i));
        const __m512 mean = all(_mm512_reduce_add_ps(sum) / (float)width);
        for (size_t i = 0; i < width; i += LANES) {
            const __m512 apart = _mm512_sub_ps(_mm512_loadu_ps(row + i), mean);
            squares = _mm512_fmadd_ps(apart, apart, squares);
        }
        const __m512 variance = all(_mm512_reduce_add_ps(squares) / (float)width);
        const __m512 spread = _mm512_sqrt_ps(_mm512_add_ps(variance, all(bert->epsilon)));
        const __m512 factor = _mm512_div_ps(all(1), spread);
        for (size_t i = 0; i < width; i += BLOCK) {
            __m512 half[2];
            for (size_t side = 0; side < 2; side++) {
                const size_t at = i + side * LANES;
                const __m512 scale = _mm512_mul_ps(_mm512_loadu_ps(norm->scale + at), factor);
                const __m512 apart = _mm512_sub_ps(_mm512_loadu_ps(row + at), mean);
                half[side] = _mm512_fmadd_ps(apart, scale, _mm512_loadu_ps(norm->shift + at));
                _mm512_storeu_ps(row + at, half[side]);
            }
            bf16 *strip = work->rounded + i / BLOCK * work->strip;
            store_rounded(strip + token * BLOCK, half[0], half[1]);
        }
    }
}

/* What becomes of a product and its bias: it is rounded to strips, perhaps behind a GELU. */
typedef enum { ROUND, GELU } Finish;

FAST INLINE void linear(const Linear *matrix, const bf16 *from, size_t depth, bf16 *to,
                        size_t columns, size_t tokens, size_t strip, Finish finish) {
    _Alignas(64) float block[AREA];
    for (size_t column = 0; column < columns; column += BLOCK, to += strip) {
        const bf16 *panel = matrix->weight + column * depth;
        const __m512 left_bias = _mm512_loadu_ps(matrix->bias + column);
        const __m512 right_bias = _mm512_loadu_ps(matrix->bias + column + LANES);
        for (size_t token = 0; token < tokens; token += BLOCK) {
            multiply(from + token * BLOCK, strip, panel, depth / BLOCK, block);
            for (size_t i = 0; i < AREA; i += BLOCK) {
                __m512 left = _mm512_add_ps(_mm512_load_ps(block + i), left_bias);
                __m512 right = _mm512_add_ps(_mm512_load_ps(block + i + LANES), right_bias);
                if (finish == GELU) left = gelu(left), right = gelu(right);
                store_rounded(to + token * BLOCK + i, left, right);
            }
        }
    }
}

FAST static void linear_rounded(const Linear *matrix, const bf16 *from, size_t depth, bf16 *to,
                                size_t columns, size_t tokens, size_t strip) {
    linear(matrix, from, depth, to, columns, tokens, strip, ROUND);
}

FAST static void linear_gelu(const Linear *matrix, const bf16 *from, size_t depth, bf16 *to,
                             size_t columns, size_t tokens, size_t strip) {
    linear(matrix, from, depth, to, columns, tokens, strip, GELU);
}

/* A product and its bias, added to the states: in parts of a depth whose panel fits into the
 * nearest cache. */
FAST static void linear_added(const Linear *matrix, const bf16 *from, size_t depth, float *states,
                              size_t width, size_t tokens, size_t strip) {
    enum { PART = 512 };
    _Alignas(64) float block[AREA];
    for (size_t column = 0; column < width; column += BLOCK)
        for (size_t start = 0; start < depth; start += PART) {
            const bf16 *panel = matrix->weight + column * depth + start * BLOCK;
            const bf16 *rows = from + start / BLOCK * strip;
            const size_t steps = (depth - start < PART ? depth - start : PART) / BLOCK;
            for (size_t token = 0; token < tokens; token += BLOCK) {
                multiply(rows + token * BLOCK, strip, panel, steps, block);
                for (size_t i = 0; i < AREA; i += LANES) {
                    const size_t at = column + i % BLOCK;
                    float *state = states + (token + i / BLOCK) * width + at;
                    const __m512 bias = start ? all(0) : _mm512_loadu_ps(matrix->bias + at);
                    const __m512 added = _mm512_add_ps(_mm512_load_ps(block + i), bias);
                    _mm512_storeu_ps(state, _mm512_add_ps(_mm512_loadu_ps(state), added));
                }
            }
        }
}

/* A head's keys, transposed. Behind the last token is whatever stands there. */
FAST static void pack_keys(const bf16 *keys, size_t strip, size_t tokens, size_t head, bf16 *to) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i rows = _mm512_slli_epi32(lanes, 6); /* bytes from the first */
    for (size_t token = 0; token < tokens; token += BLOCK)
        for (size_t part = 0; part < head / BLOCK; part++)
            for (size_t side = 0; side < BLOCK; side += LANES)
                for (size_t pair = 0; pair < BLOCK; pair += 2, to += BLOCK) {
                    const bf16 *from = keys + part * strip + (token + side) * BLOCK + pair;
                    _mm512_storeu_si512(to, _mm512_i32gather_epi32(rows, from, 1));
                }
}

/* A head's values. Behind the last token they are 0: what stands there may be no number. */
FAST static void pack_values(const bf16 *values, size_t strip, size_t tokens, size_t head,
                             bf16 *to) {
    const __m512i zeros = _mm512_setzero_si512();
    uint16_t order[BLOCK];
    for (uint16_t i = 0; i < BLOCK; i++) order[i] = (uint16_t)(i / 2 + i % 2 * BLOCK);
    const __m512i left = _mm512_loadu_si512(order);
    const __m512i right = _mm512_add_epi16(left, _mm512_set1_epi16(LANES));
    for (size_t part = 0; part < head / BLOCK; part++, values += strip)
        for (size_t step = 0; step < tokens; step += BLOCK, to += AREA)
            for (size_t pair = 0; pair < BLOCK; pair += 2) {
                const size_t token = step + pair;
                const bf16 *from = values + token * BLOCK;
                const __m512i upper = token < tokens ? _mm512_loadu_si512(from) : zeros;
                const __m512i lower = token + 1 < tokens ? _mm512_loadu_si512(from + BLOCK) : zeros;
                bf16 *row = to + pair * LANES;
                _mm512_storeu_si512(row, _mm512_permutex2var_epi16(upper, left, lower));
                _mm512_storeu_si512(row + TILE, _mm512_permutex2var_epi16(upper, right, lower));
            }
}

/* Of a row of scores, each times `factor` to be in the exponent of 2, the softmax times what is
 * returned. */
FAST INLINE float softmax(float *scores, bf16 *shares, size_t tokens, float factor) {
    const size_t blocks = blocks_of(tokens);
    const __mmask32 behind = (__mmask32)(~0ull << (tokens - (blocks - 1) * BLOCK));
    float *last = scores + (blocks - 1) * AREA;
    _mm512_mask_storeu_ps(last, (__mmask16)behind, all(-__builtin_inff()));
    _mm512_mask_storeu_ps(last + LANES, (__mmask16)(behind >> LANES), all(-__builtin_inff()));
    __m512 left = _mm512_loadu_ps(scores), right = _mm512_loadu_ps(scores + LANES);
    for (size_t i = 1; i < blocks; i++) {
        left = _mm512_max_ps(left, _mm512_loadu_ps(scores + i * AREA));
        right = _mm512_max_ps(right, _mm512_loadu_ps(scores + i * AREA + LANES));
    }
    const __m512 scale = all(factor);
    const __m512 most = all(_mm512_reduce_max_ps(_mm512_max_ps(left, right)) * factor);
    __m512 sum = all(0);
    for (size_t i = 0; i < blocks; i++, scores += AREA, shares += AREA) {
        left = power_of_2(_mm512_fmsub_ps(_mm512_loadu_ps(scores), scale, most));
        right = power_of_2(_mm512_fmsub_ps(_mm512_loadu_ps(scores + LANES), scale, most));
        sum = _mm512_add_ps(sum, _mm512_add_ps(left, right));
        store_rounded(shares, left, right);
    }
    return _mm512_reduce_add_ps(sum);
}

/* What 32 queries of a head at most take from all tokens of their text. */
FAST static void attend_block(const bf16 *queries, size_t rows, size_t tokens, size_t head,
                              const Workspace *work, bf16 *to) {
    const size_t blocks = blocks_of(tokens);
    const float factor = 1.44269504f / __builtin_sqrtf((float)head); /* log2(e) to begin with */
    _Alignas(64) float block[AREA];
    float sums[BLOCK];
    for (size_t i = 0; i < blocks; i++)
        multiply(queries, work->strip, work->keys + i * BLOCK * head, head / BLOCK,
                 work->scores + i * AREA);
    for (size_t row = 0; row < rows; row++)
        sums[row] = softmax(work->scores + row * BLOCK, work->shares + row * BLOCK, tokens, factor);
    for (size_t part = 0; part < head / BLOCK; part++, to += work->strip) {
        multiply(work->shares, AREA, work->values + part * blocks * AREA, blocks, block);
        for (size_t row = 0; row < rows; row++) {
            const __m512 scale = all(1 / sums[row]);
            const float *sum = block + row * BLOCK;
            store_rounded(to + row * BLOCK, _mm512_mul_ps(_mm512_load_ps(sum), scale),
                          _mm512_mul_ps(_mm512_load_ps(sum + LANES), scale));
        }
    }
}

/* What the tokens of a text take from each other, head by head. */
FAST static void attend(const Bert *bert, size_t first, size_t tokens, const Workspace *work) {
    const size_t width = (size_t)bert->width, head = width / (size_t)bert->heads;
    const size_t all_heads = width / BLOCK * work->strip;
    for (size_t start = 0; start < width; start += head) {
        const size_t at = start / BLOCK * work->strip + first * BLOCK;
        const bf16 *queries = work->wide + at;
        pack_keys(queries + all_heads, work->strip, tokens, head, work->keys);
        pack_values(queries + 2 * all_heads, work->strip, tokens, head, work->values);
        for (size_t token = 0; token < tokens; token += BLOCK) {
            const size_t rows = tokens - token < BLOCK ? tokens - token : BLOCK;
            attend_block(queries + token * BLOCK, rows, tokens, head, work,
                         work->rounded + at + token * BLOCK);
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The states of a text before any layer; false for a word or a position that there is not. */
FAST static bool embed(const Bert *bert, const int32_t *ids, size_t tokens, float *states) {
    const size_t width = (size_t)bert->width;
    if (tokens < 1 || tokens > (size_t)bert->positions) return false;
    for (size_t token = 0; token < tokens; token++) {
        if (ids[token] < 0 || ids[token] >= bert->words) return false;
        for (size_t i = 0; i < width; i += LANES) {
            const size_t at = (size_t)ids[token] * width + i;
            const void *half = (const uint16_t *)bert->word + at;
            const __m512 word = bert->words_are_halves
                ? _mm512_cvtph_ps(_mm256_loadu_si256(half))
                : _mm512_loadu_ps((const float *)bert->word + at);
            const __m512 position = _mm512_loadu_ps(bert->position + token * width + i);
            _mm512_storeu_ps(states + token * width + i, _mm512_add_ps(word, position));
        }
    }
    return true;
}

FAST static void run_layers(const Bert *bert, const int32_t *lengths, size_t texts, size_t tokens,
                            const Workspace *work) {
    const size_t width = (size_t)bert->width, inner = (size_t)bert->inner, strip = work->strip;
    normalise(bert, &bert->embeddings, tokens, work);
    for (const Layer *layer = bert->layer; layer < bert->layer + bert->layers; layer++) {
        linear_rounded(&layer->in, work->rounded, width, work->wide, 3 * width, tokens, strip);
        for (size_t text = 0, first = 0; text < texts; first += (size_t)lengths[text++])
            attend(bert, first, (size_t)lengths[text], work);
        linear_added(&layer->out, work->rounded, width, work->states, width, tokens, strip);
        normalise(bert, &layer->attention, tokens, work);
        linear_gelu(&layer->up, work->rounded, width, work->wide, inner, tokens, strip);
        linear_added(&layer->down, work->wide, inner, work->states, width, tokens, strip);
        normalise(bert, &layer->layer, tokens, work);
    }
}

FAST static void mean(const float *states, size_t tokens, size_t width, float *to) {
    for (size_t i = 0; i < width; i += LANES) {
        __m512 sum = all(0);
        for (size_t token = 0; token < tokens; token++)
            sum = _mm512_add_ps(sum, _mm512_loadu_ps(states + token * width + i));
        _mm512_storeu_ps(to + i, _mm512_div_ps(sum, all((float)tokens)));
    }
}

static void *taken(size_t *used, char *memory, size_t bytes) {
    const size_t start = *used;
    *used += (bytes + 63) / 64 * 64;
    return memory ? memory + start : NULL;
}

/* A workspace for so many tokens, in texts of up to `longest`; returns its bytes. */
static size_t laid_out(const Bert *bert, size_t tokens, size_t longest, char *memory,
                       Workspace *work) {
    const size_t width = (size_t)bert->width, inner = (size_t)bert->inner;
    const size_t head = width / (size_t)bert->heads, length = blocks_of(longest) * BLOCK;
    const size_t wide = inner > 3 * width ? inner : 3 * width;
    /* A block may begin with the last token. And strips are no power of 2 apart, which would have
     * them all in the same few lines of a cache. */
    const size_t rows = blocks_of(tokens) * BLOCK + BLOCK + LANES;
    size_t used = 0;
    work->strip = rows * BLOCK;
    work->states = taken(&used, memory, rows * width * sizeof(float));
    work->rounded = taken(&used, memory, rows * width * sizeof(bf16));
    work->wide = taken(&used, memory, rows * wide * sizeof(bf16));
    work->keys = taken(&used, memory, length * head * sizeof(bf16));
    work->values = taken(&used, memory, length * head * sizeof(bf16));
    work->scores = taken(&used, memory, length * BLOCK * sizeof(float));
    work->shares = taken(&used, memory, length * BLOCK * sizeof(bf16));
    return used;
}

/* ---- what Python calls ----------------------------------------------------------------------- */

/* A matrix (depth, columns), both multiples of 32, in panels. */
EXPORTED FAST void bert_pack(const float *matrix, size_t depth, size_t columns, bf16 *to) {
    for (size_t column = 0; column < columns; column += BLOCK)
        for (size_t row = 0; row < depth; row += BLOCK)
            for (size_t side = 0; side < BLOCK; side += LANES)
                for (size_t pair = 0; pair < BLOCK; pair += 2, to += BLOCK) {
                    const float *from = matrix + (row + pair) * columns + column + side;
                    const __m512 upper = _mm512_loadu_ps(from);
                    const __m512 lower = _mm512_loadu_ps(from + columns);
                    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(upper));
                    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(lower));
                    _mm512_storeu_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
                }
}

/* The bytes of memory for `bert_run` with so many tokens at most, in texts of up to `longest`. */
EXPORTED size_t bert_workspace(const Bert *bert, size_t tokens, size_t longest) {
    Workspace work;
    return laid_out(bert, tokens, longest, NULL, &work);
}

/* The last states of texts, one text behind the other: their means (texts, width), and `states`
 * (tokens, width) where that is not null. Returns whether the model has all words and positions. */
EXPORTED FAST int bert_run(const Bert *bert, const int32_t *ids, const int32_t *lengths,
                           size_t texts, char *memory, float *means, float *states) {
    const size_t width = (size_t)bert->width;
    size_t tokens = 0, longest = 0;
    for (size_t text = 0; text < texts; text++) {
        const size_t length = (size_t)lengths[text];
        tokens += length;
        longest = length > longest ? length : longest;
    }
    Workspace work;
    laid_out(bert, tokens, longest, memory, &work);
    for (size_t text = 0, first = 0; text < texts; first += (size_t)lengths[text++])
        if (!embed(bert, ids + first, (size_t)lengths[text], work.states + first * width))
            return false;
    configure_tiles();
    run_layers(bert, lengths, texts, tokens, &work);
    release_tiles();
    for (size_t text = 0, first = 0; text < texts; first += (size_t)lengths[text++])
        mean(work.states + first * width, (size_t)lengths[text], width, means + text * width);
    if (states) memcpy(states, work.states, tokens * width * sizeof(float));
    return true;
}

#else
typedef int nothing; /* elsewhere the library is empty, and never built */
#endif
