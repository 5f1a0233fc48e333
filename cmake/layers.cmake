# Layers that a wrong include cannot cross. Each target sees a folder of links to the folders that it
# may include from, and no other: in libbus/stats, #include "doc/writer.h" does not compile.
#
# A header is named by its folder ("ring/slot.h", "agent/store/store.h", "common/print.h"), and within
# its own folder by its name alone.

# Makes the folder of links of a target: orbus_sees(target PUBLIC|PRIVATE base=${dir}/base ...).
function(orbus_sees target scope)
  set(root ${PROJECT_BINARY_DIR}/include/${target})
  if(TARGET ${target}) # otherwise there is no such target on this machine
    file(REMOVE_RECURSE ${root})
    foreach(pair ${ARGN})
      string(REGEX MATCH "^([^=]+)=(.+)$" pair ${pair})
      set(link ${root}/${CMAKE_MATCH_1})
      set(folder ${CMAKE_MATCH_2})
      get_filename_component(parent ${link} DIRECTORY)
      file(MAKE_DIRECTORY ${parent})
      file(CREATE_LINK ${folder} ${link} SYMBOLIC)
    endforeach()
    target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${root}>)
  endif()
endfunction()
