'use strict';
// The puzzle (spoa/challenge/pow.h): SHA-256 over seed, i, n is one block of which only word 9, n,
// changes from try to try. ammitBegin does rounds 0 to 8; the others are done by the fastest of
// WebAssembly with SIMD, without, ammitTry and, where nothing is compiled, the browser's own SHA-256.
// This text stands in the page, and workers are made of it. Old engines must be able to read it.
var ammitK = new Int32Array([
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
]);

// seed: 64 hex digits. Words 0 to 8 of the block, then a to h after round 8.
function ammitBegin(seed, i) {
	var s = new Int32Array(17), r, t, x;
	var v = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
	for (r = 0; r < 9; r++) {
		s[r] = r < 8 ? parseInt(seed.substr(8 * r, 8), 16) : i;
		x = v[4];
		t = v[7] + ((x >>> 6 | x << 26) ^ (x >>> 11 | x << 21) ^ (x >>> 25 | x << 7)) + (v[6] ^ x & (v[5] ^ v[6])) + ammitK[r] + s[r] | 0;
		x = v[0];
		x = t + ((x >>> 2 | x << 30) ^ (x >>> 13 | x << 19) ^ (x >>> 22 | x << 10)) + (x & v[1] | v[2] & (x | v[1])) | 0;
		v = [x, v[0], v[1], v[2], v[3] + t | 0, v[4], v[5], v[6]];
	}
	s.set(v, 9);
	return s;
}

// The first of start … start + count - 1 that solves; -1: none. Rounds 9 to 15 with the words of the
// padding folded in, then 16 at a time: laid out over locals it is twice as fast as over arrays.
function ammitTry(s, start, count, target) {
	var K = ammitK, n0 = start | 0, k = 0, j = 0, t = 0, a, b, c, d, e, f, g, h;
	var w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15;
	var s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3], s4 = s[4], s5 = s[5], s6 = s[6], s7 = s[7], s8 = s[8];
	var a0 = s[9], b0 = s[10], c0 = s[11], d0 = s[12], e0 = s[13], f0 = s[14], g0 = s[15], h0 = s[16];
	for (k = 0; k < count; k = k + 1 | 0) {
		a = a0; b = b0; c = c0; d = d0; e = e0; f = f0; g = g0; h = h0;
		w0 = s0; w1 = s1; w2 = s2; w3 = s3; w4 = s4; w5 = s5; w6 = s6; w7 = s7; w8 = s8;
		w9 = n0 + k | 0; w10 = -2147483648; w11 = w12 = w13 = w14 = 0; w15 = 320;
		t=h+((e>>>6|e<<26)^(e>>>11|e<<21)^(e>>>25|e<<7))+(g^e&(f^g))+w9+310598401|0;d=d+t|0;h=t+((a>>>2|a<<30)^(a>>>13|a<<19)^(a>>>22|a<<10))+(a&b|c&(a|b))|0;
		t=g+((d>>>6|d<<26)^(d>>>11|d<<21)^(d>>>25|d<<7))+(f^d&(e^f))+-1540258370|0;c=c+t|0;g=t+((h>>>2|h<<30)^(h>>>13|h<<19)^(h>>>22|h<<10))+(h&a|b&(h|a))|0;
		t=f+((c>>>6|c<<26)^(c>>>11|c<<21)^(c>>>25|c<<7))+(e^c&(d^e))+1426881987|0;b=b+t|0;f=t+((g>>>2|g<<30)^(g>>>13|g<<19)^(g>>>22|g<<10))+(g&h|a&(g|h))|0;
		t=e+((b>>>6|b<<26)^(b>>>11|b<<21)^(b>>>25|b<<7))+(d^b&(c^d))+1925078388|0;a=a+t|0;e=t+((f>>>2|f<<30)^(f>>>13|f<<19)^(f>>>22|f<<10))+(f&g|h&(f|g))|0;
		t=d+((a>>>6|a<<26)^(a>>>11|a<<21)^(a>>>25|a<<7))+(c^a&(b^c))+-2132889090|0;h=h+t|0;d=t+((e>>>2|e<<30)^(e>>>13|e<<19)^(e>>>22|e<<10))+(e&f|g&(e|f))|0;
		t=c+((h>>>6|h<<26)^(h>>>11|h<<21)^(h>>>25|h<<7))+(b^h&(a^b))+-1680079193|0;g=g+t|0;c=t+((d>>>2|d<<30)^(d>>>13|d<<19)^(d>>>22|d<<10))+(d&e|f&(d|e))|0;
		t=b+((g>>>6|g<<26)^(g>>>11|g<<21)^(g>>>25|g<<7))+(a^g&(h^a))+-1046744396|0;f=f+t|0;b=t+((c>>>2|c<<30)^(c>>>13|c<<19)^(c>>>22|c<<10))+(c&d|e&(c|d))|0;
		for (j = 16; j < 64; j = j + 16 | 0) {
			w0=w0+((w14>>>17|w14<<15)^(w14>>>19|w14<<13)^w14>>>10)+w9+((w1>>>7|w1<<25)^(w1>>>18|w1<<14)^w1>>>3)|0;
			t=a+((f>>>6|f<<26)^(f>>>11|f<<21)^(f>>>25|f<<7))+(h^f&(g^h))+w0+K[j]|0;e=e+t|0;a=t+((b>>>2|b<<30)^(b>>>13|b<<19)^(b>>>22|b<<10))+(b&c|d&(b|c))|0;
			w1=w1+((w15>>>17|w15<<15)^(w15>>>19|w15<<13)^w15>>>10)+w10+((w2>>>7|w2<<25)^(w2>>>18|w2<<14)^w2>>>3)|0;
			t=h+((e>>>6|e<<26)^(e>>>11|e<<21)^(e>>>25|e<<7))+(g^e&(f^g))+w1+K[j+1]|0;d=d+t|0;h=t+((a>>>2|a<<30)^(a>>>13|a<<19)^(a>>>22|a<<10))+(a&b|c&(a|b))|0;
			w2=w2+((w0>>>17|w0<<15)^(w0>>>19|w0<<13)^w0>>>10)+w11+((w3>>>7|w3<<25)^(w3>>>18|w3<<14)^w3>>>3)|0;
			t=g+((d>>>6|d<<26)^(d>>>11|d<<21)^(d>>>25|d<<7))+(f^d&(e^f))+w2+K[j+2]|0;c=c+t|0;g=t+((h>>>2|h<<30)^(h>>>13|h<<19)^(h>>>22|h<<10))+(h&a|b&(h|a))|0;
			w3=w3+((w1>>>17|w1<<15)^(w1>>>19|w1<<13)^w1>>>10)+w12+((w4>>>7|w4<<25)^(w4>>>18|w4<<14)^w4>>>3)|0;
			t=f+((c>>>6|c<<26)^(c>>>11|c<<21)^(c>>>25|c<<7))+(e^c&(d^e))+w3+K[j+3]|0;b=b+t|0;f=t+((g>>>2|g<<30)^(g>>>13|g<<19)^(g>>>22|g<<10))+(g&h|a&(g|h))|0;
			w4=w4+((w2>>>17|w2<<15)^(w2>>>19|w2<<13)^w2>>>10)+w13+((w5>>>7|w5<<25)^(w5>>>18|w5<<14)^w5>>>3)|0;
			t=e+((b>>>6|b<<26)^(b>>>11|b<<21)^(b>>>25|b<<7))+(d^b&(c^d))+w4+K[j+4]|0;a=a+t|0;e=t+((f>>>2|f<<30)^(f>>>13|f<<19)^(f>>>22|f<<10))+(f&g|h&(f|g))|0;
			w5=w5+((w3>>>17|w3<<15)^(w3>>>19|w3<<13)^w3>>>10)+w14+((w6>>>7|w6<<25)^(w6>>>18|w6<<14)^w6>>>3)|0;
			t=d+((a>>>6|a<<26)^(a>>>11|a<<21)^(a>>>25|a<<7))+(c^a&(b^c))+w5+K[j+5]|0;h=h+t|0;d=t+((e>>>2|e<<30)^(e>>>13|e<<19)^(e>>>22|e<<10))+(e&f|g&(e|f))|0;
			w6=w6+((w4>>>17|w4<<15)^(w4>>>19|w4<<13)^w4>>>10)+w15+((w7>>>7|w7<<25)^(w7>>>18|w7<<14)^w7>>>3)|0;
			t=c+((h>>>6|h<<26)^(h>>>11|h<<21)^(h>>>25|h<<7))+(b^h&(a^b))+w6+K[j+6]|0;g=g+t|0;c=t+((d>>>2|d<<30)^(d>>>13|d<<19)^(d>>>22|d<<10))+(d&e|f&(d|e))|0;
			w7=w7+((w5>>>17|w5<<15)^(w5>>>19|w5<<13)^w5>>>10)+w0+((w8>>>7|w8<<25)^(w8>>>18|w8<<14)^w8>>>3)|0;
			t=b+((g>>>6|g<<26)^(g>>>11|g<<21)^(g>>>25|g<<7))+(a^g&(h^a))+w7+K[j+7]|0;f=f+t|0;b=t+((c>>>2|c<<30)^(c>>>13|c<<19)^(c>>>22|c<<10))+(c&d|e&(c|d))|0;
			w8=w8+((w6>>>17|w6<<15)^(w6>>>19|w6<<13)^w6>>>10)+w1+((w9>>>7|w9<<25)^(w9>>>18|w9<<14)^w9>>>3)|0;
			t=a+((f>>>6|f<<26)^(f>>>11|f<<21)^(f>>>25|f<<7))+(h^f&(g^h))+w8+K[j+8]|0;e=e+t|0;a=t+((b>>>2|b<<30)^(b>>>13|b<<19)^(b>>>22|b<<10))+(b&c|d&(b|c))|0;
			w9=w9+((w7>>>17|w7<<15)^(w7>>>19|w7<<13)^w7>>>10)+w2+((w10>>>7|w10<<25)^(w10>>>18|w10<<14)^w10>>>3)|0;
			t=h+((e>>>6|e<<26)^(e>>>11|e<<21)^(e>>>25|e<<7))+(g^e&(f^g))+w9+K[j+9]|0;d=d+t|0;h=t+((a>>>2|a<<30)^(a>>>13|a<<19)^(a>>>22|a<<10))+(a&b|c&(a|b))|0;
			w10=w10+((w8>>>17|w8<<15)^(w8>>>19|w8<<13)^w8>>>10)+w3+((w11>>>7|w11<<25)^(w11>>>18|w11<<14)^w11>>>3)|0;
			t=g+((d>>>6|d<<26)^(d>>>11|d<<21)^(d>>>25|d<<7))+(f^d&(e^f))+w10+K[j+10]|0;c=c+t|0;g=t+((h>>>2|h<<30)^(h>>>13|h<<19)^(h>>>22|h<<10))+(h&a|b&(h|a))|0;
			w11=w11+((w9>>>17|w9<<15)^(w9>>>19|w9<<13)^w9>>>10)+w4+((w12>>>7|w12<<25)^(w12>>>18|w12<<14)^w12>>>3)|0;
			t=f+((c>>>6|c<<26)^(c>>>11|c<<21)^(c>>>25|c<<7))+(e^c&(d^e))+w11+K[j+11]|0;b=b+t|0;f=t+((g>>>2|g<<30)^(g>>>13|g<<19)^(g>>>22|g<<10))+(g&h|a&(g|h))|0;
			w12=w12+((w10>>>17|w10<<15)^(w10>>>19|w10<<13)^w10>>>10)+w5+((w13>>>7|w13<<25)^(w13>>>18|w13<<14)^w13>>>3)|0;
			t=e+((b>>>6|b<<26)^(b>>>11|b<<21)^(b>>>25|b<<7))+(d^b&(c^d))+w12+K[j+12]|0;a=a+t|0;e=t+((f>>>2|f<<30)^(f>>>13|f<<19)^(f>>>22|f<<10))+(f&g|h&(f|g))|0;
			w13=w13+((w11>>>17|w11<<15)^(w11>>>19|w11<<13)^w11>>>10)+w6+((w14>>>7|w14<<25)^(w14>>>18|w14<<14)^w14>>>3)|0;
			t=d+((a>>>6|a<<26)^(a>>>11|a<<21)^(a>>>25|a<<7))+(c^a&(b^c))+w13+K[j+13]|0;h=h+t|0;d=t+((e>>>2|e<<30)^(e>>>13|e<<19)^(e>>>22|e<<10))+(e&f|g&(e|f))|0;
			w14=w14+((w12>>>17|w12<<15)^(w12>>>19|w12<<13)^w12>>>10)+w7+((w15>>>7|w15<<25)^(w15>>>18|w15<<14)^w15>>>3)|0;
			t=c+((h>>>6|h<<26)^(h>>>11|h<<21)^(h>>>25|h<<7))+(b^h&(a^b))+w14+K[j+14]|0;g=g+t|0;c=t+((d>>>2|d<<30)^(d>>>13|d<<19)^(d>>>22|d<<10))+(d&e|f&(d|e))|0;
			w15=w15+((w13>>>17|w13<<15)^(w13>>>19|w13<<13)^w13>>>10)+w8+((w0>>>7|w0<<25)^(w0>>>18|w0<<14)^w0>>>3)|0;
			t=b+((g>>>6|g<<26)^(g>>>11|g<<21)^(g>>>25|g<<7))+(a^g&(h^a))+w15+K[j+15]|0;f=f+t|0;b=t+((c>>>2|c<<30)^(c>>>13|c<<19)^(c>>>22|c<<10))+(c&d|e&(c|d))|0;
		}
		if ((b + 0x6a09e667 >>> 0) < target) {
			return start + k;
		}
	}
	return -1;
}

// Built from spoa/challenge/wasm, with SIMD and without.
var ammitModules = { simd: '@simd@', wasm: '@wasm@' };

// What the engine takes of it, as functions like ammitTry, the best first. Without WebAssembly, and
// where a policy forbids it, that is nothing.
function ammitCompiled() {
	var found = [], name, text, bytes, i;
	for (name in ammitModules) {
		try {
			text = atob(ammitModules[name]);
			bytes = new Uint8Array(text.length);
			for (i = 0; i < bytes.length; i++) {
				bytes[i] = text.charCodeAt(i);
			}
			found.push(ammitWrap(name, new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports));
		} catch (e) { }
	}
	return found;
}

function ammitWrap(name, pow) {
	var state = new Int32Array(pow.memory.buffer, pow.at(), 17);
	function run(s, start, count, target) {
		state.set(s);
		var n = pow.go(start, count, target) >>> 0;
		return n === count ? -1 : start + n;
	}
	run.kind = name;
	return run;
}

// A promise of what ammitTry returns. All at once: a call costs far more than its hash.
function ammitDigest(s, start, count, target) {
	var view = new DataView(new ArrayBuffer(40)), hashes = [], i;
	for (i = 0; i < 9; i++) {
		view.setInt32(4 * i, s[i]);
	}
	for (i = 0; i < count; i++) {
		view.setUint32(36, start + i);
		hashes.push(crypto.subtle.digest('SHA-256', view.buffer));
	}
	return Promise.all(hashes).then(function (all) {
		for (var k = 0; k < count; k++) {
			if (new DataView(all[k]).getUint32(0) < target) {
				return start + k;
			}
		}
		return -1;
	});
}

// A function that takes one puzzle at a time, { seed, target, i, from }; another one, or null, ends
// the one before. It tells post { hashes } about five times a second and { i, n, hashes, kind } at
// the end (n -1: there is none). Works `slice` ms at a time, so that its thread can do other things.
function ammitSolver(slice, post) {
	var engines = ammitCompiled().concat(ammitTry);
	var p = null, s = null, at = 0, left = 0, hashes = 0, said = 0, pending = false, channel = null;
	// Engines are measured in windows of 50 ms, from tick to tick of a clock that may be a coarse
	// one. Two slow ones: nothing is compiled here. Then the browser's own SHA-256 is measured too.
	var digest = typeof crypto === 'object' && crypto.subtle && typeof Promise === 'function';
	var chosen = !digest, digesting = false, since = 0, count = -1, best = 0, windows = 0;

	function measure(tests) {
		var now = Date.now(), rate;
		count += count < 0 ? 0 : tests;
		if (count < 0 ? now === since : now - since < 50) {
			return;
		}
		// The first tick only begins; it is a second one if `since` was set before.
		if (count < 0) {
			count = since ? 0 : -1;
			since = now;
			return;
		}
		rate = count / (now - since);
		since = 0;
		count = -1;
		if (digesting) {
			chosen = true;
			digesting = rate > best;
			return;
		}
		best = Math.max(best, rate);
		windows++;
		if (best >= 200) {
			chosen = true;
		} else if (windows === 2) {
			digesting = true;
		}
	}

	// After some tests: n, or -1 if that is none.
	function tried(n, tests) {
		hashes += tests;
		left -= tests;
		at = (at + tests) % 4294967296;
		if (!chosen) {
			measure(tests);
		}
		if (n < 0 || ammitTry(s, n, 1, p.target) === n) {
			return n;
		}
		// Wrong: no more of this engine.
		engines = [ammitTry];
		digesting = false;
		chosen = true;
		return -1;
	}

	function after(n) {
		var now = Date.now(), i = p.i;
		if (n >= 0 || left <= 0) {
			p = null;
			post({ i: i, n: n, hashes: hashes, kind: digesting ? 'digest' : engines[0].kind || 'js' });
			hashes = 0;
			return;
		}
		if (now - said > 200 || now < said) {
			post({ hashes: hashes });
			said = now;
			hashes = 0;
		}
		later();
	}

	function batch() {
		var mine = p;
		function end() {
			pending = false;
			if (p === mine) {
				return true;
			}
			if (p) {
				later();
			}
			return false;
		}
		pending = true;
		ammitDigest(s, at, 256, p.target).then(function (n) {
			if (end()) {
				after(tried(n, 256));
			}
		}, function () {
			chosen = true;
			digesting = false;
			if (end()) {
				later();
			}
		});
	}

	function turn() {
		var n = -1, until = Date.now() + slice, step = engines[0] === ammitTry ? 512 : 2048;
		pending = false;
		if (p === null) {
			return;
		}
		// Short calls: an engine that goes on compiling takes up better code with the next one.
		while (!digesting && n < 0 && left > 0 && Date.now() < until) {
			n = tried(engines[0](s, at, step, p.target), step);
		}
		if (n < 0 && left > 0 && digesting) {
			batch();
		} else {
			after(n);
		}
	}

	function later() {
		pending = true;
		if (channel) {
			channel.port2.postMessage(0);
		} else {
			setTimeout(turn, 0);
		}
	}

	if (typeof MessageChannel === 'function') {
		channel = new MessageChannel();
		channel.port1.onmessage = turn;
	}
	return function (puzzle) {
		p = puzzle;
		if (p === null) {
			return;
		}
		s = ammitBegin(p.seed, p.i);
		at = p.from;
		left = 4294967296;
		post({ hashes: 0 });
		if (!pending) {
			later();
		}
	};
}

// As a worker.
if (typeof document === 'undefined' && typeof postMessage === 'function') {
	onmessage = (function (solve) {
		return function (event) {
			solve(event.data);
		};
	})(ammitSolver(50, function (message) {
		postMessage(message);
	}));
}
