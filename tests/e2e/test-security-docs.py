#!/usr/bin/env python3
# The tests that docs/security.md names exist, and each of the attacks S1 to S20 has one that bears its id.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-security-docs.py SOURCE-DIRECTORY

import glob
import re
import sys

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
ADDED = re.compile(r'\bADD\w*\s*\((\w+)\)')


class Source:
    def __init__(self, text):
        strings = STRING.findall(text)
        self.ends = set(strings) | set(ADDED.findall(text))
        self.whole = set(strings) | set(re.findall(r'GST_START_TEST \((\w+)\)', text))
        self.prefixes = [name for name in strings if re.fullmatch(r'/.*/', name)]
        self.formats = [re.sub(r'%\+?[a-z]', '[^/]+', name) for name in strings if re.match(r'/.*%', name)]

    def begins(self, end):
        """A case, or a group of them"""
        return end in self.ends or any(each.startswith(end + '/') for each in self.ends)

    def has(self, name):
        """Is it written there, or put together of a prefix or format and what is written there?"""
        end = name.rsplit('/', 1)[-1]
        return name in self.whole \
            or any(name.startswith(prefix) and self.begins(name[len(prefix):]) for prefix in self.prefixes) \
            or any(end in self.ends and re.fullmatch(each, name) for each in self.formats) \
            or any(other.startswith(name + '/') for other in self.whole)


def main(source):
    sources = []
    for pattern in ('tests/**/*.c', 'subprojects/*/tests/*.c'):
        for path in glob.glob(f'{source}/{pattern}', recursive=True):
            sources.append(Source(open(path, encoding='utf-8').read()))
    page = open(f'{source}/docs/security.md', encoding='utf-8').read()
    quoted = re.findall(r'`(/[a-z][\w-]*/[^`]+|test_\w+)`', page)
    failures = [f'there is no test {name}' for name in quoted if not any(each.has(name) for each in sources)]
    rows = dict(re.findall(r'^\| (S\d+) \|.*\|(.*)\|$', page, re.M))
    for number in range(1, 21):
        if not re.search(rf'/S{number}[-_]', rows.get(f'S{number}', '')):
            failures.append(f'no test is named for S{number}')
    if len(quoted) < 100:
        failures.append('the page was not read')
    for failure in failures:
        print(failure)
    print(f'{len(quoted)} names, {len(rows)} attacks')
    return 1 if failures else 0


sys.exit(main(sys.argv[1]))
