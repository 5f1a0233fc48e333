# Puts a program's options in place of the line @OPTIONS@ of its page.
#   cmake -DPAGE=in.scd -DOPTIONS=options.scd -DRESULT=out.scd -P page.cmake
file(READ "${PAGE}" page)
file(READ "${OPTIONS}" options)
string(CONCAT marker "@" "OPTIONS" "@" "\n")
string(REPLACE "${marker}" "${options}" page "${page}")
file(WRITE "${RESULT}" "${page}")
