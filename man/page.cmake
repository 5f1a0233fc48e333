# Puts a program's options in place of the line @OPTIONS@ of its page, or other text in place of MARKER.
#   cmake -DPAGE=in.scd -DOPTIONS=options.scd -DRESULT=out.scd [-DMARKER=KEYS] -P page.cmake
if(NOT DEFINED MARKER)
  set(MARKER OPTIONS)
endif()
file(READ "${PAGE}" page)
file(READ "${OPTIONS}" options)
string(CONCAT marker "@" "${MARKER}" "@" "\n")
string(REPLACE "${marker}" "${options}" page "${page}")
file(WRITE "${RESULT}" "${page}")
