(function () {
	var root = document.documentElement, form = get('form'), words = JSON.parse(get('words').textContent);
	var seed = form.getAttribute('data-seed'), target = +form.getAttribute('data-target');
	var total = +form.getAttribute('data-puzzles'), life = +form.getAttribute('data-life');
	var wait = +form.getAttribute('data-wait') || 0, on = form.getAttribute('data-on');
	var posted = form.getAttribute('data-posted') === '1', born = Date.now(), ran = uptime();
	var mean = 4294967296 / target, solution = [], starts = [], workers = [];
	var kind = 0, crew = 1, done = 0, hashes = 0, active = 0, last = 0, spoken = 0, painted = 0, patience = 60;

	function get(id) {
		return document.getElementById(id);
	}

	function say(key, n) {
		return words[key].replace('{n}', n);
	}

	function state(name) {
		root.setAttribute('data-state', name);
		if (name !== 'solving') {
			workers.slice().forEach(lose);
		}
	}

	function running() {
		return root.getAttribute('data-state') === 'solving';
	}

	// Ends it with words and a button, which fetches the page anew, with its form if it was one.
	function stop(name, key, button) {
		var p = document.createElement('p'), b = document.createElement('button');
		state(name);
		p.className = 'note';
		p.textContent = words[key];
		get('work').hidden = true;
		get('stop').textContent = '';
		get('stop').appendChild(p);
		// Made here, since text browsers show buttons that are hidden.
		b.type = 'button';
		b.textContent = words[button];
		b.onclick = again;
		get('again').textContent = '';
		get('again').appendChild(b);
		get('again').hidden = false;
	}

	function again() {
		location.reload();
	}

	// ---- time ----

	function uptime() {
		return typeof performance === 'object' && performance.now ? performance.now() : 0;
	}

	// Is the ticket too old to be sent? A clock that stands still while the device sleeps, and one
	// that is set in the meantime, do not hide it. A little is left for the way.
	function late() {
		return life > 0 && Math.max(Date.now() - born, uptime() - ran) > 970 * life;
	}

	// A new ticket, then; but a device that is always late must not go round for ever.
	function renew() {
		var times = 0;
		try {
			times = +sessionStorage.getItem('ammit-late') || 0;
			sessionStorage.setItem('ammit-late', times < 3 ? times + 1 : 0);
		} catch (e) { }
		if (times >= 3) {
			stop('stopped', 'failed', 'again');
		} else if (posted) {
			stop('stopped', 'resend_note', 'resend');
		} else {
			state('late');
			again();
		}
	}

	// Times of the last minute at which this tab was through. Throws where storage is off.
	function passes() {
		var now = Date.now();
		return (sessionStorage.getItem('ammit') || '').split(',').map(Number).filter(function (t) {
			return t > now - 60000 && t <= now;
		});
	}

	function remember(list) {
		sessionStorage.setItem('ammit', list.join(','));
	}

	// ---- what is seen and heard ----

	// The puzzles know nothing of the tries before, and all workers share them to the last: what is
	// left takes as long as so many new ones. Sleep does not count.
	function secondsLeft() {
		var s = active < 400 || hashes === 0 ? -1 : (total - done) * mean / (hashes / active * 1000);
		return s >= 0 && wait > 0 ? Math.min(s, Math.max(1, wait + 1 - (Date.now() - born) / 1000)) : s;
	}

	function show() {
		var now = Date.now(), percent = Math.floor(100 * done / total), quarter = Math.floor(percent / 25), s;
		get('fill').style.transform = 'scaleX(' + done / total + ')';
		get('bar').setAttribute('aria-valuenow', done);
		get('bar').setAttribute('aria-valuetext', say('percent', percent));
		if (quarter > spoken) {
			spoken = quarter;
			get('voice').textContent = quarter === 4 ? words.done : say('percent', 25 * quarter);
		}
		s = secondsLeft();
		if (done === total) {
			get('left').textContent = words.done;
		} else if (s >= 0 && Math.abs(now - painted) >= 1000) {
			painted = now;
			get('left').textContent = s < 3 ? words.few : s < 90 ? say('seconds', Math.ceil(s)) :
				say('minutes', Math.ceil(s / 60));
		}
	}

	// ---- through ----

	// To the address that was asked for. The part behind # never came to us.
	function go() {
		var here = location.href.split('#')[0], link = document.createElement('a');
		link.href = form.elements.back.value;
		if (location.hash && link.href === here) {
			// Going there would only scroll.
			again();
		} else {
			location.replace(link.href + location.hash);
		}
	}

	function through() {
		state('passed');
		try {
			remember(passes().concat(Date.now()));
		} catch (e) { }
		if (posted) {
			stop('passed', 'resend_note', 'resend');
		} else {
			go();
		}
	}

	// Other tabs of the site need not go on solving.
	function announce() {
		try {
			localStorage.setItem('ammit', Date.now());
		} catch (e) { }
		try {
			new BroadcastChannel('ammit').postMessage(0);
		} catch (e) { }
	}

	// Another tab passed. Once a minute: if it did not help, there is a reason.
	function heard() {
		try {
			if (running() && passes().length === 0) {
				through();
			}
		} catch (e) { }
	}

	function listen() {
		var began = typeof performance === 'object' && performance.timing ? performance.timing.navigationStart : 0;
		window.addEventListener('storage', function (event) {
			if (event.key === 'ammit' && event.newValue) {
				heard();
			}
		});
		try {
			new BroadcastChannel('ammit').onmessage = heard;
		} catch (e) { }
		// While this page was on its way.
		try {
			if (began > 0 && +localStorage.getItem('ammit') > began && localStorage.getItem('ammit') <= Date.now()) {
				heard();
			}
		} catch (e) { }
	}

	// What a clip in the page says of itself: '' while that is not known.
	function clip(video) {
		if (video.readyState > 0) {
			return video.videoWidth + 'x' + video.videoHeight + '@' + Math.round(1000 * video.duration);
		}
		// To have no source is how it begins, too (HTML, 4.8.11.5).
		return video.error || patience <= 0 || video.networkState === 3 && patience < 50 ? 'failed' : '';
	}

	function add(name, value) {
		var input = document.createElement('input');
		input.type = 'hidden';
		input.name = name;
		input.value = value;
		form.appendChild(input);
	}

	function submit() {
		state('submitted');
		try {
			remember(passes().concat(Date.now()));
		} catch (e) { }
		// A redirect hands on what is behind #.
		form.setAttribute('action', form.getAttribute('action') + location.hash);
		form.submit();
	}

	function send() {
		var video = get('clip'), said = video ? clip(video) : '';
		if (video && !said) {
			patience--;
			setTimeout(send, 50);
			return;
		}
		if (late()) {
			renew();
			return;
		}
		try {
			sessionStorage.removeItem('ammit-late');
		} catch (e) { }
		if (said) {
			add('clip', said);
		}
		form.elements.solution.value = solution.join(',');
		if (typeof fetch !== 'function') {
			submit();
			return;
		}
		// A network that has gone to sleep is the browser's to talk about.
		setTimeout(function () {
			if (root.getAttribute('data-state') === 'sending') {
				submit();
			}
		}, 15000);
		// As a page, which says what is wrong.
		ask(form.getAttribute('action'), [].map.call(form.elements, field).join('&'), submit);
	}

	function field(input) {
		return input.name + '=' + encodeURIComponent(input.value);
	}

	// A redirect is the pass; it is followed by go().
	function ask(where, body, refused) {
		fetch(where, {
			method: body ? 'POST' : 'GET',
			redirect: 'manual',
			credentials: 'same-origin',
			headers: body ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {},
			body: body
		}).then(function (answer) {
			if (answer.type !== 'opaqueredirect') {
				refused();
			} else if (running() || root.getAttribute('data-state') === 'sending') {
				announce();
				through();
			}
		}, refused);
	}

	function nothing() { }

	// Where waiting is a way through as well, nobody computes for longer than that.
	function waited() {
		if (!running()) {
			return;
		}
		if (typeof fetch !== 'function') {
			if (!posted) {
				location.replace(on + location.hash);
			}
			return;
		}
		ask(on, undefined, nothing);
	}

	// A clip that plays may be a way through by itself.
	function played(tries) {
		var said = clip(get('clip'));
		if (!running() || get('clip').error || tries === 0) {
			return;
		}
		if (said && said !== 'failed') {
			ask(form.getAttribute('action'), 'clip=' + encodeURIComponent(said) + '&' +
				field(form.elements.ticket) + '&' + field(form.elements.back), nothing);
		} else {
			setTimeout(played, 50, tries - 1);
		}
	}

	// ---- work ----

	function solved(i, n) {
		if (n < 0) {
			stop('failed', 'failed', 'again');
			return;
		}
		solution[i] = ('0000000' + n.toString(16)).slice(-8);
		done++;
		show();
		if (done === total) {
			state('sending');
			send();
			return;
		}
		workers.forEach(function (w) {
			if (w.i === i) {
				next(w);
			}
		});
	}

	// A puzzle that nobody has begun; then one with as few others at it as there is, from elsewhere.
	function next(w) {
		var fewest = -1, i, n, at = [];
		for (i = 0; i < total; i++) {
			at[i] = 0;
		}
		w.i = -1;
		workers.forEach(function (other) {
			at[other.i]++;
		});
		for (i = 0; i < total; i++) {
			n = at[i];
			if (solution[i] === undefined && (fewest < 0 || n < at[fewest])) {
				fewest = i;
			}
		}
		w.i = fewest;
		w.postMessage({ seed: seed, target: target, i: fewest, from: starts[fewest]++ % 16 * 268435456 });
	}

	// A worker that died leaves its puzzle to others; if it was the last, another kind is tried.
	function lose(w) {
		var at = workers.indexOf(w);
		if (at < 0) {
			return;
		}
		workers.splice(at, 1);
		w.terminate();
		if (running() && workers.length === 0) {
			kind++;
			staff();
		}
	}

	function tick() {
		var now = Date.now(), passed = now - last;
		if (passed > 0 && passed < 2000) {
			active += passed;
		}
		last = now;
		if (running() && late()) {
			renew();
		}
	}

	function hire(w) {
		w.quiet = 0;
		w.onmessage = function (event) {
			var m = event.data;
			w.quiet = 0;
			hashes += m.hashes;
			tick();
			if (!running()) {
				return;
			}
			if (m.i === undefined) {
				show();
			} else if (m.i === w.i) {
				root.setAttribute('data-engine', m.kind);
				solved(m.i, m.n);
			}
		};
		w.onerror = function (event) {
			event.preventDefault();
			lose(w);
		};
		workers.push(w);
		next(w);
	}

	// The script that stands in the page, then the same from its address, then the page itself.
	var kinds = [
		function () {
			return new Worker(URL.createObjectURL(new Blob([get('solver').textContent], { type: 'text/javascript' })));
		},
		function () {
			return new Worker(form.getAttribute('data-solver'));
		},
		function () {
			var w = { terminate: function () {
				w.postMessage(null);
			} };
			w.postMessage = ammitSolver(25, function (message) {
				w.onmessage({ data: message });
			});
			return w;
		}
	];

	function staff() {
		while (workers.length === 0 && kind < kinds.length) {
			root.setAttribute('data-workers', kind);
			try {
				do {
					hire(kinds[kind]());
				} while (workers.length < crew && kind < 2);
			} catch (e) { }
			if (workers.length === 0) {
				kind++;
			}
		}
	}

	// Counted, not timed: a page that slept must not take its workers for dead.
	function watch() {
		workers.slice().forEach(function (w) {
			w.quiet++;
			if (w.quiet > 4 && kind < 2) {
				lose(w);
			}
		});
	}

	function wake(event) {
		if (running()) {
			tick();
		} else if (event.persisted && root.getAttribute('data-state') !== 'stopped' && !posted) {
			// Back from the browser's memory: this ticket is used up.
			again();
		}
	}

	function start() {
		var cores = Math.floor(navigator.hardwareConcurrency) || 1, i, recent;
		window.addEventListener('pageshow', wake);
		document.addEventListener('visibilitychange', wake);
		try {
			recent = passes();
			remember(recent);
		} catch (e) {
			recent = null;
		}
		if (!navigator.cookieEnabled || recent === null) {
			stop('stopped', 'no_cookies', 'again');
			return;
		}
		if (recent.length >= 3) {
			remember([]);
			stop('stopped', 'loop', 'again');
			return;
		}
		for (i = 0; i < total; i++) {
			starts.push(0);
		}
		crew = Math.min(Math.max(1, cores > 2 ? cores - 1 : cores), 8);
		last = Date.now();
		state('solving');
		get('work').hidden = false;
		listen();
		if (running()) {
			staff();
			setInterval(watch, 2000);
			if (wait > 0) {
				setTimeout(waited, 1000 * wait + 1000);
			}
			if (get('clip') && get('clip').hasAttribute('data-enough') && typeof fetch === 'function') {
				played(200);
			}
		}
	}

	start();
})();
