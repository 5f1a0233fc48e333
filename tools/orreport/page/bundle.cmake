# Puts the modules of the page's script into one, since a page that is opened from a file cannot
# import any: cmake -DMODULES=a.mjs,b.mjs -DOUTPUT=page.js -P bundle.cmake
#
# Only what stands at the start of a line is taken off: "export ", and imports, which are of one line
# each. A module comes behind those that it imports, and no two modules have a name in common.
string(REPLACE "," ";" modules "${MODULES}")
set(all "")
foreach(module IN LISTS modules)
  file(READ "${module}" text)
  string(REGEX REPLACE "\nimport [^\n]*" "" text "\n${text}")
  string(REPLACE "\nexport " "\n" text "${text}")
  string(APPEND all "${text}")
endforeach()
file(WRITE "${OUTPUT}" "${all}")
