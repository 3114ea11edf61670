# SPDX-License-Identifier: Apache-2.0
# Tidies what scdoc makes. What is to be pasted keeps its quotes and hyphens, which some terminals' troff makes pretty.
/^\.nf/ { literal = 1 }
/^\.fi/ { literal = 0 }
literal && !/^\./ { gsub(/\\&'/, "\\(aq"); gsub(/-/, "\\-") }
# Paragraphs that scdoc begins and nothing stands in are taken out; the page looks the same.
/^\.P$/ { held = 1; next }
/^\.RE$/ { print; last = $0; next }
held && last !~ /^\.S[HS]/ && !/^\.S[HS]/ { print ".P" }
{ held = 0; print; last = $0 }
