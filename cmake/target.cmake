# SPDX-License-Identifier: Apache-2.0
# nsw_library(NAME [LIBS...]): one folder, one static library of all its .cc files but the tests.
function(nsw_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)  # a folder of headers alone
    add_library(nsw_${name} INTERFACE)
    target_link_libraries(nsw_${name} INTERFACE ${ARGN})
    return()
  endif()
  add_library(nsw_${name} STATIC ${sources})
  nsw_options(nsw_${name})
  target_link_libraries(nsw_${name} PUBLIC ${ARGN})
endfunction()

# nsw_tests(NAME DIR [LIBS...]): the *_test.cc of a folder as one GoogleTest program, a ctest entry for each test. Those
# named *_threads_test.cc become a program of their own, NAME_threads_test, with the ctest label `threads`: they are what
# ThreadSanitizer is for.
function(nsw_tests name dir)
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*_test.cc)
  set(threaded ${sources})
  list(FILTER threaded INCLUDE REGEX "_threads_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_threads_test\\.cc$")
  nsw_test_program(${name} "" "${sources}" ${ARGN})
  nsw_test_program(${name}_threads threads "${threaded}" ${ARGN})
endfunction()

# nsw_test_program(NAME LABEL SOURCES [LIBS...]): nothing where there are no sources.
function(nsw_test_program name label sources)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  nsw_options(${name}_test)
  # In half the time: what is tested is compiled as it is shipped, the test itself need not be.
  target_compile_options(${name}_test PRIVATE "$<$<CONFIG:RelWithDebInfo>:-O1;-g1>")
  target_compile_definitions(${name}_test PRIVATE NSW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name}_test PRIVATE ${ARGN} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${label}")
endfunction()

# nsw_options(TARGET): what all of our own C++ is compiled with.
function(nsw_options target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/bpf)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -Wno-missing-field-initializers)
  if(NSWARDEN_PCH)
    nsw_precompile(${target})
  endif()
endfunction()

include(GoogleTest)
