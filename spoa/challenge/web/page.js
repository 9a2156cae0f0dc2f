(function () {
	var root = document.documentElement, form = document.getElementById('form');
	var seed = form.getAttribute('data-seed'), target = +form.getAttribute('data-target');
	var total = +form.getAttribute('data-puzzles'), solver = form.getAttribute('data-solver');
	var mean = 4294967296 / target;
	var solution = [], waiting = [], done = 0, hashes = 0, begun = 0, spoken = 0, painted = 0;
	var workers = [], slicing = false;

	function get(id) {
		return document.getElementById(id);
	}

	function state(name) {
		root.setAttribute('data-state', name);
	}

	// Ends it with words; the button fetches the page, and so a ticket, anew.
	function stop(name, words) {
		state(name);
		workers.slice().forEach(lose);
		get('work').hidden = true;
		get('stop').textContent = '';
		var p = document.createElement('p');
		p.className = 'note';
		p.textContent = words;
		get('stop').appendChild(p);
		get('again').hidden = false;
	}

	function running() {
		return root.getAttribute('data-state') === 'solving';
	}

	function again() {
		// A page that came from a form must not send the form once more.
		if (form.getAttribute('data-posted') === '1') {
			location.replace(form.elements.back.value);
		} else {
			location.reload();
		}
	}

	// Times of the last minute at which this tab sent a solution. Throws where storage is off.
	function solves() {
		var now = Date.now();
		return (sessionStorage.getItem('ammit') || '').split(',').map(Number).filter(function (t) {
			return t > now - 60000 && t <= now;
		});
	}

	function remember(list) {
		sessionStorage.setItem('ammit', list.join(','));
	}

	// What is left, in puzzles of one worker: those that all share, then the last ones, which end
	// one after the other. A try knows nothing of those before it, so begun ones count in full.
	function secondsLeft() {
		var now = Date.now(), n = Math.max(1, workers.length), rate = hashes / (now - begun) * 1000;
		var left = total - done, shared = Math.max(0, left - n) / n, i;
		for (i = Math.min(left, n); i > 0; i--) {
			shared += 1 / i;
		}
		return now - begun < 400 || rate <= 0 ? -1 : shared * mean / (rate / n);
	}

	function show() {
		var now = Date.now(), percent = Math.floor(100 * done / total), quarter = Math.floor(percent / 25), s;
		get('fill').style.transform = 'scaleX(' + done / total + ')';
		get('bar').setAttribute('aria-valuenow', done);
		get('bar').setAttribute('aria-valuetext', percent + ' %');
		if (quarter > spoken) {
			spoken = quarter;
			get('voice').textContent = quarter === 4 ? 'Done. Opening the page.' : 25 * quarter + ' % done';
		}
		if (now - painted < 1000 && done < total) {
			return;
		}
		s = secondsLeft();
		if (done === total) {
			get('left').textContent = 'Done. Opening the page…';
		} else if (s >= 0) {
			painted = now;
			get('left').textContent = s < 3 ? 'A few seconds left' : s < 90 ? 'About ' + Math.ceil(s) +
				' seconds left' : 'About ' + Math.ceil(s / 60) + ' minutes left';
		}
	}

	function solved(i, n) {
		if (!running() || solution[i] !== undefined) {
			return;
		}
		if (n < 0) {
			stop('failed', 'The calculation came to no result. Please try again.');
			return;
		}
		solution[i] = ('0000000' + n.toString(16)).slice(-8);
		done++;
		show();
		if (done === total) {
			send();
		}
	}

	function send() {
		state('sending');
		workers.slice().forEach(lose);
		try {
			remember(solves().concat(Date.now()));
		} catch (e) { }
		form.elements.solution.value = solution.join(',');
		// The part behind # never came to us: a redirect hands it on.
		form.setAttribute('action', form.getAttribute('action') + location.hash);
		form.submit();
	}

	function next(w) {
		w.i = waiting.length ? waiting.shift() : -1;
		if (w.i >= 0) {
			w.postMessage({ seed: seed, target: target, i: w.i });
		}
	}

	// A worker that died gives its puzzle back, and the page itself goes on if it was the last.
	function lose(w) {
		var at = workers.indexOf(w);
		if (at < 0) {
			return;
		}
		workers.splice(at, 1);
		w.terminate();
		if (w.i >= 0 && solution[w.i] === undefined) {
			waiting.unshift(w.i);
		}
		if (running()) {
			workers.forEach(function (other) {
				if (other.i < 0) {
					next(other);
				}
			});
			if (workers.length === 0) {
				slices();
			}
		}
	}

	function hire() {
		var w = new Worker(solver);
		w.i = -1;
		w.onmessage = function (event) {
			var m = event.data;
			w.heard = true;
			hashes += m.hashes;
			if (m.i === undefined) {
				show();
				return;
			}
			w.i = -1;
			solved(m.i, m.n);
			if (running()) {
				next(w);
			}
		};
		w.onerror = function (event) {
			event.preventDefault();
			lose(w);
		};
		workers.push(w);
		next(w);
		setTimeout(function () {
			if (!w.heard) {
				lose(w);
			}
		}, 8000);
	}

	// Without workers: on the page's own thread, 25 ms at a time, so that it stays alive.
	function slices() {
		var s = null, i = -1, start = 0, channel = null;
		if (slicing) {
			return;
		}
		slicing = true;
		function later() {
			if (channel) {
				channel.port2.postMessage(0);
			} else {
				setTimeout(slice, 0);
			}
		}
		function slice() {
			var until = Date.now() + 25, n = -1;
			if (!running()) {
				return;
			}
			if (s === null) {
				if (waiting.length === 0) {
					slicing = false;
					return;
				}
				i = waiting.shift();
				s = ammitBegin(seed, i);
				start = 0;
			}
			while (n < 0 && start < 4294967296 && Date.now() < until) {
				n = ammitTry(s, start, 256, target);
				hashes += 256;
				start += 256;
			}
			if (n >= 0 || start >= 4294967296) {
				s = null;
				solved(i, n);
			} else {
				show();
			}
			later();
		}
		if (typeof MessageChannel === 'function') {
			channel = new MessageChannel();
			channel.port1.onmessage = slice;
		}
		later();
	}

	function start() {
		var cores = navigator.hardwareConcurrency || 1, n, i, recent;
		get('again').onclick = again;
		try {
			recent = solves();
			remember(recent);
		} catch (e) {
			recent = null;
		}
		if (!navigator.cookieEnabled || recent === null) {
			stop('stopped', 'Cookies are off for this site, so it could not remember that you have done the ' +
				'calculation. Please allow cookies for it, then try again.');
			return;
		}
		if (recent.length >= 3) {
			remember([]);
			stop('stopped', 'Your browser has done this three times within a minute and is asked again. Either ' +
				'the site’s cookie is not kept, or your network address keeps changing (a VPN or proxy may do ' +
				'that). Allow cookies for this site or stay on one connection, then try again.');
			return;
		}
		for (i = 0; i < total; i++) {
			waiting.push(i);
		}
		begun = Date.now();
		state('solving');
		get('work').hidden = false;
		n = Math.min(Math.max(1, cores - (cores > 2 ? 1 : 0)), 8, total);
		try {
			for (i = 0; i < n; i++) {
				hire();
			}
		} catch (e) { }
		if (workers.length === 0) {
			slices();
		}
	}

	// Back from the browser's memory after it was sent: this ticket is used up.
	window.addEventListener('pageshow', function (event) {
		if (event.persisted && !running()) {
			again();
		}
	});
	start();
})();
