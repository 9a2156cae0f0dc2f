// Message in: { kind, ms }. Out: hashes a second in the best fifth of a second.
importScripts('solver.js');
const block = ammitBegin('6b'.repeat(32), 7), slice = 200;

async function fastest(ms, step) {
	let best = 0;
	for (const end = performance.now() + ms; performance.now() < end;) {
		const start = performance.now();
		let n = 0;
		while (performance.now() - start < slice) {
			n += await step();
		}
		best = Math.max(best, n / (performance.now() - start) * 1000);
	}
	return best;
}

// The shipped solver as the page has it: with its choice, its slices and its messages.
function shipped(ms) {
	return new Promise((done) => {
		const end = performance.now() + ms;
		let last = 0, best = 0;
		const solve = ammitSolver(50, (message) => {
			const now = performance.now();
			if (message.hashes > 0 && last > 0) {
				best = Math.max(best, message.hashes / (now - last) * 1000);
			}
			last = now;
			if (now > end) {
				solve(null);
				done(best);
			}
		});
		solve({ seed: '6b'.repeat(32), target: 0, i: 7, from: 0 });
	});
}

async function reference() {
	const { instance } = await WebAssembly.instantiateStreaming(fetch('reference.wasm')), pow = instance.exports;
	new Int32Array(pow.memory.buffer, pow.at(), 9).set(block.subarray(0, 9));
	// It must solve the puzzle, or its speed means nothing.
	if (pow.go(0, 1 << 20, 1 << 16) !== ammitTry(block, 0, 1 << 20, 1 << 16)) {
		throw new Error('the reference is wrong');
	}
	return (n) => pow.go(n, 2000, 0);
}

const kinds = {
	shipped,
	shipped_wasm(ms) {
		delete ammitModules.simd;
		return shipped(ms);
	},
	shipped_js(ms) {
		ammitModules = {};
		return shipped(ms);
	},
	async reference_simd(ms) {
		const go = await reference();
		let n = 0;
		return fastest(ms, () => {
			// Not one await a call: that is not what is measured.
			for (let i = 0; i < 10; i++) {
				go(n);
				n = n + 2000 >>> 0;
			}
			return 20000;
		});
	},
	webcrypto_256(ms) {
		let n = 0;
		return fastest(ms, async () => {
			await ammitDigest(block, n, 256, 0);
			n += 256;
			return 256;
		});
	},
	webcrypto_1(ms) {
		const view = new DataView(new ArrayBuffer(40));
		let n = 0;
		return fastest(ms, async () => {
			view.setUint32(36, n++);
			await crypto.subtle.digest('SHA-256', view.buffer);
			return 1;
		});
	}
};

// A rejected promise raises no error event here.
onmessage = (event) => kinds[event.data.kind](event.data.ms).then(postMessage, (error) => postMessage(String(error)));
