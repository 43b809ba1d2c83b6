#!/usr/bin/env python3
# What docs/why-does-my-call-fail.md quotes exists in the sources, and no reason is left out.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-failure-docs.py SOURCE-DIRECTORY

import glob
import re
import sys

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"(?:\s*(?:G_GU?INT64_FORMAT|PRI\w+)?\s*)')
REASON = re.compile(r'^[a-z0-9]+(-[a-z0-9]+)*$')


def literals(text):
    """String literals of C, those in a row as one."""
    found, end = [], -1
    for match in LITERAL.finditer(text):
        if match.start() == end:
            found[-1] += match.group(1)
        else:
            found.append(match.group(1))
        end = match.end()
    return found


def fits(quote, literal):
    """Do the parts between "..." stand in the literal, in this order, with a conversion in each gap?"""
    parts = [re.escape(part) for part in quote.split('...') if part]
    return re.search(r'.*%.*'.join(parts), literal) is not None


def main(source):
    failures = []
    page = open(f'{source}/docs/why-does-my-call-fail.md', encoding='ascii').read()
    strings = open(f'{source}/subprojects/libdao/dao/dao-call-strings.c', encoding='ascii').read()
    reasons = re.findall(r'\[DAO_CALL_REASON_\w+\] = \{"([a-z0-9-]+)"', strings)
    texts = []
    for pattern in ('ext/dao/*.c', 'gst/daortp/*.c', 'subprojects/libdao/dao/*.c'):
        for path in glob.glob(f'{source}/{pattern}'):
            texts += literals(open(path, encoding='ascii').read())

    seen = []
    for paragraph in re.findall(r'^- Seen.*?(?=^- |^#|^$|\Z)', page, re.M | re.S):
        seen += re.findall(r'`([^`]+)`', ' '.join(paragraph.split('\n')))
    for quote in seen:
        quote = re.sub(r' +', ' ', quote)
        if quote in reasons or '=' in quote or re.match(r'^(docs/|dao)', quote):
            continue
        if REASON.match(quote):
            # a property or a field
            if not any(quote == text for text in texts):
                failures.append(f'no source has "{quote}"')
        elif not any(fits(quote, text) for text in texts):
            failures.append(f'no source says "{quote}"')
    failures += [f'the reason {reason} is not on the page' for reason in reasons if f'`{reason}`' not in page]
    categories = set(re.findall(r'GST_DEBUG_CATEGORY_INIT\s*\(\s*\w+,\s*"(\w+)"', ''.join(
        open(path, encoding='ascii').read()
        for pattern in ('ext/dao/*.c', 'gst/daortp/*.c') for path in glob.glob(f'{source}/{pattern}'))))
    failures += [f'the category {name} is not on the page' for name in sorted(categories)
                 if not re.search(rf'\b{name}\b', page)]
    if len(seen) < 50 or len(reasons) < 20 or len(categories) < 8:
        failures.append('the page or the sources were not read')
    for failure in failures:
        print(failure)
    print(f'{len(seen)} quotes, {len(reasons)} reasons, {len(categories)} categories')
    return 1 if failures else 0


sys.exit(main(sys.argv[1]))
