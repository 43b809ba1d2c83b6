# Network namespaces as hosts, routers, NATs and bad links, for tests of whole calls.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#                             net (router)
#       +------------+------------+-----------+-----------+
#  198.18.1.2   198.18.2.2    10.3.0.2   198.18.4.2   198.18.N.2 ...
#    alice      bob's router    relay       turn
#                    |
#               192.168.2.2
#                   bob
#
# enter() puts the whole program into mount, pid and network namespaces of its own: whatever
# ends it, also SIGKILL, takes every process, namespace, device and file of the test with it.

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

# A private tmpfs lies there: `ip netns` keeps its names in it, and tests their files.
RUN = '/run'
FILES = '/run/dao-net'

UNSHARE = ['unshare', '--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child']
# program: Debian's package
PROGRAMS = {'unshare': 'util-linux', 'setpriv': 'util-linux', 'ip': 'iproute2', 'tc': 'iproute2',
            'nft': 'nftables'}

NATS = ('full-cone', 'port-restricted', 'symmetric', 'udp-blocked')
READY = re.compile('^ready$')


class Failure(Exception):
    """What a test expects is not so."""


def require(programs):
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    missing = [f'{name} (Debian package {package})' for name, package in programs.items()
               if not shutil.which(name)]
    if missing:
        sys.exit('network tests: missing ' + ', '.join(missing))


def enter():
    """Goes on in namespaces of our own; ends with one line where they are not permitted."""
    require(PROGRAMS)
    if os.environ.get('DAO_NETBED') != 'inside':
        unshare = UNSHARE + (['--user', '--map-root-user'] if os.geteuid() else [])
        probe = subprocess.run(unshare + ['mount', '-t', 'tmpfs', 'tmpfs', RUN],
                               capture_output=True, text=True)
        if probe.returncode != 0:
            sys.exit('network tests: namespaces are not permitted here: '
                     + ' '.join(probe.stderr.split()))
        os.environ['DAO_NETBED'] = 'inside'
        # unshare itself ignores SIGTERM. Whatever ends us ends it, and with it all that is inside.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.exit(subprocess.call(['setpriv', '--pdeathsig', 'KILL', *unshare, sys.executable, *sys.argv]))
    # The first process of a pid namespace ignores signals it has no handler for.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda number, frame: sys.exit(129))
    run('mount', '-t', 'tmpfs', 'tmpfs', RUN)
    os.mkdir(FILES, 0o700)
    if not os.access('/dev/net/tun', os.R_OK | os.W_OK):
        sys.exit('network tests: /dev/net/tun cannot be opened here')


def run(*command, stdin=None):
    """Runs a command that must succeed; its output."""
    result = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if result.returncode != 0:
        raise Failure(f'{" ".join(command)}: {result.stderr.strip() or result.stdout.strip()}')
    return result.stdout


class Process:
    """A program that runs in a namespace, with each line of its output and when it came."""

    def __init__(self, name, command, env):
        self.name = name
        self.lines = []         # (seconds, text); seconds are time.monotonic()'s
        self.changed = threading.Condition()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, env=env, text=True, bufsize=1,
                                      errors='replace')
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            with self.changed:
                self.lines.append((time.monotonic(), line.rstrip('\n')))
                self.changed.notify_all()
        self.child.wait()
        with self.changed:
            self.ended = time.monotonic()
            self.changed.notify_all()

    def find(self, pattern, start=0):
        """(seconds, match) of the first line from number `start` on in which pattern is."""
        for when, line in self.lines[start:]:
            match = pattern.search(line)
            if match:
                return when, match
        return None

    def wait_for(self, pattern, seconds, start=0):
        """Like find, but waits; Failure if it does not come."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (found := self.find(pattern, start)):
                left = deadline - time.monotonic()
                if left <= 0 or not self.reader.is_alive():
                    raise Failure(f'{self.name}: no "{pattern.pattern}" '
                                  + ('before its end' if left > 0 else f'in {seconds} s'))
                self.changed.wait(min(left, 0.5))
        return found

    def wait(self, seconds):
        """Its exit status; Failure if it does not end. `ended` is when it did."""
        self.reader.join(seconds)
        if self.reader.is_alive():
            raise Failure(f'{self.name}: still runs after {seconds} s')
        return self.child.returncode

    def say(self, line):
        self.child.stdin.write(line + '\n')

    def interrupt(self):
        self.child.send_signal(signal.SIGINT)

    def pause(self):
        self.child.send_signal(signal.SIGSTOP)

    def resume(self):
        self.child.send_signal(signal.SIGCONT)

    def kill(self):
        self.child.kill()
        self.reader.join(5)

    def text(self):
        return '\n'.join(line for _, line in self.lines)


class Host:
    """A network namespace."""

    def __init__(self, bed, name):
        self.bed = bed
        self.name = name
        self.netns = f'dao{os.getpid()}-{bed.number}-{name}'
        self.address = None     # of the host itself
        self.public = None      # as others see it
        self.addresses = set()  # all it ever had, and those of its NAT
        self.link = None        # the tun-link to it, a Process
        run('ip', 'netns', 'add', self.netns)
        self.ip('link', 'set', 'lo', 'up')
        self.write('/proc/sys/net/ipv6/conf/all/disable_ipv6', '1')

    def ip(self, *arguments):
        return run('ip', '-n', self.netns, *arguments)

    def nft(self, rules):
        return run('ip', 'netns', 'exec', self.netns, 'nft', '-f', '-', stdin=rules)

    def write(self, path, value):
        run('ip', 'netns', 'exec', self.netns, 'sh', '-c', f'echo {value} > {path}')

    def forward(self):
        self.write('/proc/sys/net/ipv4/ip_forward', '1')

    def wait_for_links(self):
        """The kernel says that a link runs up to a second late, and libnice leaves out those that do not."""
        deadline = time.monotonic() + 5
        while ' state DOWN ' in (text := self.ip('link', 'show', 'up')) or 'LOWERLAYERDOWN' in text:
            if time.monotonic() > deadline:
                raise Failure(f'{self.name}: a link stays down')
            time.sleep(0.02)

    def wait_for_addresses(self):
        deadline = time.monotonic() + 10
        while self.ip('-6', 'address', 'show', 'tentative').strip():
            if time.monotonic() > deadline:
                raise Failure(f'{self.name}: an IPv6 address stays tentative')
            time.sleep(0.02)

    def start(self, name, command, **env):
        self.wait_for_links()
        process = Process(name, ['ip', 'netns', 'exec', self.netns] + [str(c) for c in command],
                          {**os.environ, **env})
        self.bed.processes.append(process)
        return process

    def limit_rate(self, device, kbit):
        """Sends at most so much through `device`, with a queue of 100 ms."""
        run('ip', 'netns', 'exec', self.netns, 'tc', 'qdisc', 'replace', 'dev', device, 'root',
            'tbf', 'rate', f'{kbit}kbit', 'burst', '5kb', 'latency', '100ms')


class Bed:
    """A router `net` with hosts around it. Use as a context: its end ends every process."""

    numbers = iter(range(1, 1000))

    def __init__(self, tun_link):
        self.tun_link = tun_link
        self.number = next(Bed.numbers)
        self.files = f'{FILES}/{self.number}'
        os.mkdir(self.files, 0o700)
        self.processes = []
        self.hosts = []
        self.net = self._host('net')
        self.net.forward()
        # What tests put in the way: sets of interfaces and pairs of addresses, empty at first.
        self.net.nft('''
            table inet bed {
              set gone { type ifname; }
              set no_udp { type ipv4_addr . ipv4_addr; }
              chain forward {
                type filter hook forward priority 0; policy accept;
                iifname @gone drop
                oifname @gone drop
                meta l4proto udp ip saddr . ip daddr @no_udp counter drop
              }
            }''')

    def __enter__(self):
        return self

    def __exit__(self, *why):
        for process in self.processes:
            process.child.kill()
        for process in self.processes:
            process.reader.join(5)
        for host in self.hosts:
            subprocess.run(['ip', 'netns', 'delete', host.netns], capture_output=True)

    def _host(self, name):
        host = Host(self, name)
        self.hosts.append(host)
        return host

    def host(self, name, nat=None, link=None, network='198.18.{}', beside=None):
        """A host at the next place around the router, behind a NAT of a kind of NATS or none.

        beside: a host behind a NAT, whose NAT it shares, in another subnet.
        network: its /24, with {} for the place. 198.18.0.0/15 (RFC 2544) is public as addresses go, and nobody's.
        link: options of tun-link (delay, jitter, loss, reorder, seed) for its last hop.
        """
        place = len([h for h in self.hosts if h.public]) + 1
        host = self._host(name)
        subnet = network.format(place)
        host.public = beside.public if beside else f'{subnet}.2'
        host.place = name
        if beside:
            host.address = f'192.168.{place}.2'
            self._connect(beside.router, f'inside{place}', host, f'192.168.{place}', link)
        elif nat is None:
            self._connect(self.net, name, host, subnet, link)
            host.address = host.public
        else:
            router = host.router = self._host(f'{name}-nat')
            router.forward()
            self._connect(self.net, name, router, subnet, None)
            self._connect(router, 'inside', host, f'192.168.{place}', link)
            host.address = f'192.168.{place}.2'
            router.nft(nat_rules(nat, host.public, host.address))
        host.addresses = {host.address, host.public}
        return host

    def _connect(self, router, device, host, subnet, link):
        if link is None:
            run('ip', 'link', 'add', device, 'netns', router.netns, 'type', 'veth',
                'peer', 'name', 'up0', 'netns', host.netns)
        else:
            options = [f'--{name}={value}' for name, value in link.items()]
            host.link = self.net.start(f'link to {host.name}', [
                self.tun_link, router.netns, device, host.netns, 'up0', *options])
            host.link.wait_for(READY, 5)
        router.ip('address', 'add', f'{subnet}.1/24', 'dev', device)
        router.ip('link', 'set', device, 'up')
        host.ip('address', 'add', f'{subnet}.2/24', 'dev', 'up0')
        host.ip('link', 'set', 'up0', 'up')
        host.ip('route', 'add', 'default', 'via', f'{subnet}.1')

    def add_ipv6(self, host):
        """Gives a host without NAT an IPv6 address, too."""
        subnet = f'2001:db8:{host.address.split(".")[2]}:'
        for end, device, number in (self.net, host.place, 1), (host, 'up0', 2):
            end.write('/proc/sys/net/ipv6/conf/all/disable_ipv6', '0')
            end.ip('address', 'add', f'{subnet}:{number}/64', 'dev', device, 'nodad')
        self.net.write('/proc/sys/net/ipv6/conf/all/forwarding', '1')
        host.ip('route', 'add', 'default', 'via', f'{subnet}:1')
        host.address6 = f'{subnet}:2'
        host.addresses.add(host.address6)
        # Link-local addresses, which the kernel makes, are not to be used in the first second (RFC 4862, 5.4).
        for end in self.net, host:
            end.wait_for_addresses()

    # --- what goes wrong ---

    def leave(self, host):
        """The host (without NAT) has no address any more."""
        host.ip('address', 'flush', 'dev', 'up0')

    def pull_cable(self, host):
        """Its link does not run any more; it has its address still."""
        self.net.ip('link', 'set', host.place, 'down')

    def put_cable(self, host):
        self.net.ip('link', 'set', host.place, 'up')

    def arrive(self, host, subnet=None):
        """It gets one again, where it was or in another subnet."""
        if subnet:
            self.net.ip('address', 'add', f'{subnet}.1/24', 'dev', host.place)
            host.address = host.public = f'{subnet}.2'
            host.addresses.add(host.address)
        router = host.address.rsplit('.', 1)[0] + '.1'
        host.ip('address', 'add', f'{host.address}/24', 'dev', 'up0')
        host.ip('route', 'add', 'default', 'via', router)

    def take_away(self, host):
        """Nothing gets from or to the host any more."""
        self.net.nft(f'add element inet bed gone {{ "{host.place}" }}')

    def bring_back(self, host):
        self.net.nft(f'delete element inet bed gone {{ "{host.place}" }}')

    def _pairs(self, a, b, back):
        return f'{{ {a.public} . {b.public}' + (f', {b.public} . {a.public} }}' if back else ' }')

    def block_udp(self, a, b, back=True):
        """No UDP from a to b (and back); everything else, and everybody else, goes on."""
        self.net.nft(f'add element inet bed no_udp {self._pairs(a, b, back)}')

    def unblock_udp(self, a, b, back=True):
        self.net.nft(f'delete element inet bed no_udp {self._pairs(a, b, back)}')

    # --- what passed ---

    def count(self, name, rule):
        """Counts from now on what the router forwards and `rule` of nft matches."""
        self.net.nft(f'''
            add counter inet bed {name}
            add rule inet bed forward {rule} counter name "{name}"''')

    def counted(self, name):
        """Packets."""
        return int(self.net.nft(f'list counter inet bed {name}').split('packets ')[1].split()[0])


def nat_rules(kind, public, inside):
    """A NAT of RFC 4787 between `up0` (outside) and `inside`.

    Linux's masquerade keeps the port, so every peer sees the same mapping, and lets in only what
    was written to: port-restricted. fully-random takes another port for each peer: symmetric. With
    a rule that lets in everything to the one host inside it becomes full-cone.
    """
    source, incoming, passing = 'masquerade', '', 'drop'
    if kind == 'symmetric':
        source = 'masquerade fully-random'
    elif kind == 'full-cone':
        source = f'snat to {public}'
        incoming = f'iifname "up0" meta l4proto udp dnat to {inside}'
        passing = 'accept'
    blocked = 'meta l4proto udp drop' if kind == 'udp-blocked' else ''
    # What comes early from a peer is dropped in silence. If it reached this router itself,
    # conntrack would take the port, and our own packet to that peer get another one.
    return f'''
        table ip nat {{
          chain prerouting {{ type nat hook prerouting priority dstnat; {incoming}
          }}
          chain postrouting {{ type nat hook postrouting priority srcnat; oifname "up0" {source}
          }}
        }}
        table ip filter {{
          chain input {{ type filter hook input priority 0; iifname "up0" meta l4proto udp drop
          }}
          chain forward {{
            type filter hook forward priority 0;
            {blocked}
            ct state established,related accept
            iifname "up0" meta l4proto udp {passing}
          }}
        }}'''
