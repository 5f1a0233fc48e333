# Makes one object of a static library, whose only global symbols are those that its shared sister
# exports: `object_open` and its like are names that a program may have chosen too.
function(orbus_hide_internals target)
  if(ORBUS_SANITIZE)
    return()
  endif()
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${target}.o)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${object}
      -Wl,--whole-archive $<TARGET_FILE:${target}>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${object}
    COMMAND ${CMAKE_COMMAND} -E rm $<TARGET_FILE:${target}>
    COMMAND ${CMAKE_AR} rcs $<TARGET_FILE:${target}> ${object} VERBATIM)
endfunction()
