# SPDX-License-Identifier: Apache-2.0
# Takes out the paragraphs that scdoc begins and nothing stands in; the page looks the same.
/^\.P$/ { held = 1; next }
/^\.RE$/ { print; last = $0; next }
held && last !~ /^\.S[HS]/ && !/^\.S[HS]/ { print ".P" }
{ held = 0; print; last = $0 }
