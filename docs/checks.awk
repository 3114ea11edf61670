# SPDX-License-Identifier: Apache-2.0
# Puts into a page what the code's tables say, for each line @NAME@ of it:
#   awk -f docs/checks.awk daemon/spec/check_table.h daemon/core/right_table.h daemon/core/dump.c PAGE.scd
# A row that is not understood ends it with an error: nothing may be missing from the page.

# What each kind of need in the table of rights means.
BEGIN {
    meaning["R_NEEDED"] = "always needed"
    meaning["R_PAUSE"] = "needed from Redis 6.2 on, where writes are paused"
    meaning["R_SET"] = "needed before Redis 6.2, where the source has _replica-read-only no_, and where the way back " \
                       "takes a log-in; wanted elsewhere"
    meaning["R_DRAIN"] = "needed where clients are drained (*drain_clients*); wanted elsewhere"
    meaning["R_WANTED"] = "wanted: to end connections of an earlier daemon, and to see who else is there"
}

function fail(text)
{
    print "checks.awk: " FILENAME ": " text >"/dev/stderr"
    failed = 1
    exit 1
}

# Text as scdoc takes it.
function escape(text)
{
    gsub(/[\\_*\[\]<>#~]/, "\\\\&", text)
    return text
}

# The literals of a row, into literal[1..n]; returns n.
function literals(row,    n)
{
    while (match(row, /"([^"\\]|\\.)*"/)) {
        literal[++n] = substr(row, RSTART + 1, RLENGTH - 2)
        gsub(/\\"/, "\"", literal[n])
        row = substr(row, RSTART + RLENGTH)
    }
    return n
}

# Above the step, a check of ecmigratectl shows lines; here there are none.
function step(text)
{
    sub(/lines above/, "lines that ecmigratectl check JOB shows", text)
    sub(/line above/, "line that ecmigratectl check JOB shows", text)
    return escape(text)
}

function add_check(row,    kind)
{
    kind = substr(row, 1, index(row, "(") - 1)
    if (literals(row) != (kind == "WATCH" ? 3 : 4))
        fail("a row with other literals: " row)
    if (kind == "WATCH") {
        watches = watches "\n*" escape(literal[1]) "*\n\t" escape(literal[2]) " _Next:_ " step(literal[3]) "\n"
        return
    }
    checks = checks "\n*" escape(literal[1]) "*: " escape(literal[2]) "\n\t" escape(literal[3]) \
             " _Next:_ " step(literal[4]) (kind == "FIRM" ? " _Cannot be waived._" : "") "\n"
}

# "'+info' '+ping'" at the end of a line of its own for each kind of need.
function add_right(side, need, acl)
{
    if (!((side, need) in rights))
        needs[side] = needs[side] " " need
    rights[side, need] = rights[side, need] " '" acl "'"
}

function acl_lines(side, user,    n, kind, i, lines)
{
    n = split(needs[side], kind, " ")
    for (i = 1; i <= n; i++)
        lines = lines "ACL SETUSER " user (i == 1 ? " on '>PASSWORD'" : "") rights[side, kind[i]] "\n"
    return lines
}

# 70200 is 7.2.
function version(number)
{
    return int(number / 10000) "." int(number / 100) % 100
}

# Line by line, for whom it is.
function acl_needs(side,    n, kind, i, lines)
{
    n = split(needs[side], kind, " ")
    for (i = 1; i <= n; i++) {
        if (!(kind[i] in meaning))
            fail("no word for what " kind[i] " means")
        gsub(/ \047/, " ", rights[side, kind[i]])
        gsub(/\047/, "", rights[side, kind[i]])
        lines = lines "- *" escape(substr(rights[side, kind[i]], 2)) "*: " meaning[kind[i]] "\n"
    }
    return lines
}

function add_format(product, since, format)
{
    product = product == "keydb" ? "KeyDB" : toupper(substr(product, 1, 1)) substr(product, 2)
    if (!(format in written))
        order[++n_formats] = format + 0
    written[format] = written[format] (format in written && written[format] ? ", " : "") product \
                      (since >= 100 ? " " version(since) : "")
}

function format_rows(    i, j, t, rows)
{
    for (i = 1; i <= n_formats; i++)
        for (j = i + 1; j <= n_formats; j++)
            if (order[j] < order[i]) {
                t = order[i]; order[i] = order[j]; order[j] = t
            }
    for (i = 1; i <= n_formats; i++)
        rows = rows "|  " order[i] "\n:  " written[order[i]] "\n"
    return rows
}

FILENAME ~ /check_table\.h$/ {
    if (/^\/\* [A-Z][^*]* \*\/$/) {
        title = substr($0, 4, length($0) - 6)
        if (title != "SPDX-License-Identifier: Apache-2.0" && title != "Until the switch-over")
            checks = checks "\n## " title "\n"
    }
    if (/^(CHECK|FIRM|WATCH)\(/ && row != "")
        fail("a row that does not end: " row)
    if (/^(CHECK|FIRM|WATCH)\(/ || row != "")
        row = row $0
    if (row ~ /"\)$/) {
        add_check(row)
        n_checks++
        row = ""
    }
    next
}

FILENAME ~ /right_table\.h$/ {
    if (!/^RIGHT\(/)
        next
    if (literals($0) != 2 || !match($0, /R_[A-Z]*, R_[A-Z]*\)$/))
        fail("a row with other parts: " $0)
    split(substr($0, RSTART, RLENGTH - 1), need, ", ")
    if (need[1] == "R_NEVER" && need[2] == "R_NEVER")
        add_right("replication", "all", literal[1])
    if (need[1] != "R_NEVER")
        add_right("source", need[1], literal[1])
    if (need[2] != "R_NEVER")
        add_right("target", need[2], literal[1])
    n_rights++
    next
}

FILENAME ~ /dump\.c$/ {
    line = $0
    while (match(line, /\{"[a-z]+", [0-9]+, [0-9]+\}/)) {
        split(substr(line, RSTART + 1, RLENGTH - 2), part, ", ")
        gsub(/"/, "", part[1])
        add_format(part[1], part[2], part[3])
        line = substr(line, RSTART + RLENGTH)
    }
    next
}

!n_checks || !n_rights || !n_formats || row != "" { fail("a table before it has no rows, or half a row") }

/^@[A-Z]+@$/ {
    if ($0 == "@CHECKS@") printf "%s", substr(checks, 2)
    else if ($0 == "@WATCHES@") printf "%s", substr(watches, 2)
    else if ($0 == "@SOURCE@") printf "%s", acl_lines("source", "ecmigrate")
    else if ($0 == "@SOURCENEEDS@") printf "%s", acl_needs("source")
    else if ($0 == "@TARGETNEEDS@") printf "%s", acl_needs("target")
    else if ($0 == "@TARGET@") printf "%s", acl_lines("target", "ecmigrate")
    else if ($0 == "@REPLICATION@") printf "%s", acl_lines("replication", "ecrepl")
    else if ($0 == "@FORMATS@") printf "%s", format_rows()
    else fail("nothing is called " $0)
    next
}

{ print }

END { if (failed) exit 1 }
