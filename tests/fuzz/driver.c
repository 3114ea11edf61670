/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds a fuzz target with its seeds and with mutations of them. The same arguments give the same
 * inputs, so that what was found can be found again, with any compiler.
 *
 *   fuzz_x [COUNT [SEED]]   COUNT inputs (default 10,000)
 *   fuzz_x FILE             this one
 *
 * An input that brings the target down is left in the file fuzz-crash.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 8192
#define COUNT_DEFAULT 10000
#define MUTATIONS_MAX 6

struct input {
    uint8_t data[INPUT_MAX];
    size_t len;
};

static struct input current; /* for the dying process */

/* --- what is left behind --- */

/* Of the sanitizers, where there are any. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void leave_input(void)
{
    int fd = open("fuzz-crash", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t n = fd < 0 ? -1 : write(fd, current.data, current.len);

    (void)!write(2, n < 0 ? "fuzz: input lost\n" : "fuzz: see fuzz-crash\n", n < 0 ? 17 : 21);
}

static void on_signal(int number)
{
    leave_input();
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_for_death(void)
{
    signal(SIGABRT, on_signal);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(leave_input);
        return;
    }
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
    signal(SIGFPE, on_signal);
}

/* A copy of exactly its size: a sanitizer sees a read beyond the end. */
static void try_input(void)
{
    uint8_t *data = xmalloc(current.len);

    memcpy(data, current.data, current.len);
    LLVMFuzzerTestOneInput(data, current.len);
    free(data);
}

/* --- mutations --- */

static uint32_t next_random(uint64_t *state, size_t bound)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return bound ? (uint32_t)((*state >> 11) % bound) : 0;
}

static size_t n_seeds(void)
{
    size_t n = 0;

    while (fuzz_seeds[n])
        n++;
    return n;
}

/* Puts len bytes in place of cut ones; what does not fit is left out. */
static void put_bytes(struct input *input, size_t at, size_t cut, const void *bytes, size_t len)
{
    size_t rest = input->len - at - cut;

    if (at + len + rest > INPUT_MAX)
        return;
    memmove(input->data + at + len, input->data + at + cut, rest);
    memcpy(input->data + at, bytes, len);
    input->len = at + len + rest;
}

/* A piece of a seed, or of the input itself. */
static void splice_piece(struct input *input, uint64_t *random, size_t cut)
{
    const char *seed = fuzz_seeds[next_random(random, n_seeds())];
    bool own = next_random(random, 3) == 0;
    size_t size = own ? input->len : strlen(seed);
    size_t from = next_random(random, size + 1);
    size_t len = next_random(random, min_of(size - from, (size_t)64) + 1);
    uint8_t piece[64];

    memcpy(piece, own ? input->data + from : (const uint8_t *)seed + from, len);
    put_bytes(input, next_random(random, input->len - cut + 1), cut, piece, len);
}

static void mutate(struct input *input, uint64_t *random)
{
    static const uint8_t odd[] = "\0\1\x7f\x80\xc0\xed\xff%&=+.-/: \t\r\n\"'<>09azAZT";
    size_t at = next_random(random, input->len + 1);
    size_t cut = next_random(random, min_of(input->len - at, (size_t)32) + 1);
    uint8_t byte;

    switch (next_random(random, 6)) {
    case 0:
        if (at < input->len)
            input->data[at] ^= (uint8_t)(1u << next_random(random, 8));
        return;
    case 1:
        byte = odd[next_random(random, sizeof(odd))];
        put_bytes(input, at, at < input->len && next_random(random, 2), &byte, 1);
        return;
    case 2:
        put_bytes(input, at, cut, "", 0);
        return;
    case 3:
        input->len = at;
        return;
    case 4:
        splice_piece(input, random, 0);
        return;
    default:
        splice_piece(input, random, min_of(cut, input->len));
        return;
    }
}

static void try_mutations(size_t count, uint64_t seed)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;

    for (size_t i = 0; i < count; i++) {
        const char *text = fuzz_seeds[i % n_seeds()];

        current.len = 0;
        put_bytes(&current, 0, 0, text, min_of(strlen(text), (size_t)INPUT_MAX));
        for (uint32_t n = i < n_seeds() ? 0 : 1 + next_random(&random, MUTATIONS_MAX); n > 0; n--)
            mutate(&current, &random);
        try_input();
    }
}

static int try_file(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return 2;
    }
    current.len = fread(current.data, 1, INPUT_MAX, file);
    fclose(file);
    try_input();
    return 0;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    unsigned long count = argc > 1 ? strtoul(argv[1], &end, 10) : COUNT_DEFAULT;
    unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;

    watch_for_death();
    if (end && *end)
        return try_file(argv[1]);
    try_mutations(count, seed);
    printf("%s: %lu inputs\n", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], count);
    return 0;
}
