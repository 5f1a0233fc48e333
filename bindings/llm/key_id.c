/*
 * key_id.c: the first 8 hex digits of a key's SHA-256.
 *
 * Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5 and 6.2. It is for short texts that are there at
 * once, and not in constant time: who may measure this process holds the key already.
 */
#include "key_id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 64

static const uint32_t constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
    0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
    0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3,
    0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
    0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
    0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
    0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

/* The message schedule of a block. */
static void expand(const unsigned char block[BLOCK_BYTES], uint32_t w[64])
{
	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void take_block(uint32_t hash[8], const unsigned char block[BLOCK_BYTES])
{
	uint32_t w[64], s[8];

	expand(block, w);
	memcpy(s, hash, sizeof(s));
	for (unsigned i = 0; i < 64; i++) {
		uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
		              choice + constants[i] + w[i];
		uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + majority;

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (unsigned i = 0; i < 8; i++)
		hash[i] += s[i];
}

void key_id_of(const char *key, size_t length, char out[KEY_ID_BYTES])
{
	uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
	    0x1f83d9ab, 0x5be0cd19};
	unsigned char block[BLOCK_BYTES];
	uint64_t bits = (uint64_t)length * 8;
	size_t left = length;

	for (; left >= BLOCK_BYTES; left -= BLOCK_BYTES, key += BLOCK_BYTES) {
		memcpy(block, key, BLOCK_BYTES);
		take_block(hash, block);
	}
	memset(block, 0, sizeof(block));
	memcpy(block, key, left);
	block[left] = 0x80;
	if (left >= BLOCK_BYTES - 8) {
		take_block(hash, block);
		memset(block, 0, sizeof(block));
	}
	for (unsigned i = 0; i < 8; i++)
		block[BLOCK_BYTES - 1 - i] = (unsigned char)(bits >> (8 * i));
	take_block(hash, block);
	explicit_bzero(block, sizeof(block));
	snprintf(out, KEY_ID_BYTES, "%08x", hash[0]);
}
