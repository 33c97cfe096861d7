# module(DEPS a b PRIVATE_DEPS c SOURCES x.cc TESTS x_test.cc BENCHES x_bench.cc [PCH asio])
#
# Makes the library of one folder, named after its path (lib/base -> lib_base), from an explicit list of
# sources. *_test.cc become <name>_test (label unit), *_live_test.cc <name>_live_test (label live), those in
# a folder conformance/ <name>_conformance_test (label conformance), *_bench.cc <name>_bench. PCH asio uses
# the precompiled Asio/Beast header of lib/net.
function(module)
  cmake_parse_arguments(M "" "PCH" "SOURCES;TESTS;BENCHES;DEPS;PRIVATE_DEPS;TEST_DEPS" ${ARGN})
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "_" name ${folder})

  if(M_SOURCES)
    add_library(${name} STATIC ${M_SOURCES})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${M_DEPS} PRIVATE warnings ${M_PRIVATE_DEPS})
    use_pch(${name} "${M_PCH}")
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${M_DEPS})
  endif()

  set(unit ${M_TESTS})
  list(FILTER unit EXCLUDE REGEX "_live_test\\.cc$|conformance/")
  set(live ${M_TESTS})
  list(FILTER live INCLUDE REGEX "_live_test\\.cc$")
  if(unit)
    module_test(${name}_test unit "${unit}" "${name};${M_PRIVATE_DEPS};${M_TEST_DEPS}" "${M_PCH}")
  endif()
  set(conformance ${M_TESTS})
  list(FILTER conformance INCLUDE REGEX "conformance/")
  if(conformance)
    module_test(${name}_conformance_test conformance "${conformance}" "${name};${M_PRIVATE_DEPS};${M_TEST_DEPS}"
                "${M_PCH}")
  endif()
  if(live)
    module_test(${name}_live_test live "${live}" "${name};${M_PRIVATE_DEPS};${M_TEST_DEPS}" "${M_PCH}")
  endif()
  if(M_BENCHES)
    add_executable(${name}_bench ${M_BENCHES})
    target_link_libraries(${name}_bench PRIVATE ${name} ${M_PRIVATE_DEPS} ${M_TEST_DEPS} warnings
                                                benchmark::benchmark_main)
    use_pch(${name}_bench "${M_PCH}")
  endif()
endfunction()

function(module_test target label sources deps pch)
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE ${deps} warnings GTest::gmock GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE ASSAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  use_pch(${target} "${pch}")
  add_test(NAME ${target} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${target} PROPERTIES LABELS ${label} TIMEOUT 600)
endfunction()

function(use_pch target pch)
  # A test adds ASSAY_SOURCE_DIR, which the shared header does not see; clang accepts added macros.
  if(pch AND TARGET pch_${pch})
    target_precompile_headers(${target} REUSE_FROM pch_${pch})
  endif()
endfunction()
