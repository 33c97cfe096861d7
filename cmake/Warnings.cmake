# Warning flags for our own code; an INTERFACE target, so that they never reach a dependency.
add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  # A field left out of a designated initialiser has its default on purpose.
  -Wno-missing-designated-field-initializers)
option(ASSAY_WERROR "Treat warnings as errors" OFF)
if(ASSAY_WERROR)
  target_compile_options(warnings INTERFACE -Werror)
endif()

# Sanitizers are a property of the whole build, so they are set globally.
set(ASSAY_SANITIZE "" CACHE STRING "Value for -fsanitize=, for example address,undefined")
if(ASSAY_SANITIZE)
  add_compile_options(-fsanitize=${ASSAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ASSAY_SANITIZE})
endif()

# ccache can reuse objects compiled with a precompiled header only without timestamps in it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
