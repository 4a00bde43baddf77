# SPDX-License-Identifier: Apache-2.0
# With NSWARDEN_PCH: the headers of others that most files include, parsed once for all targets. About half the time of a
# build without optimization is spent on them. A file must not count on that: the release build has none of it.
set(nsw_common_headers <algorithm> <array> <chrono> <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <span>
    <sstream> <string> <thread> <unordered_map> <vector> <nlohmann/json.hpp> <tl/expected.hpp>)

# Each of these is compiled with what its users are compiled with, or the compiler would not take it.
function(nsw_precompiled name)
  file(WRITE ${PROJECT_BINARY_DIR}/${name}.cc.in "// what a precompiled header belongs to\n")
  configure_file(${PROJECT_BINARY_DIR}/${name}.cc.in ${PROJECT_BINARY_DIR}/${name}.cc COPYONLY)
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/${name}.cc)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror -Wno-missing-field-initializers -fpch-preprocess)
  target_precompile_headers(${name} PRIVATE ${ARGN})
  nsw_precompiled_sum(${name} ${ARGN})
endfunction()

# ccache cannot keep a precompiled header, and no two are alike: it is told to take this for one, which says what is in it.
function(nsw_precompiled_sum name)
  get_target_property(flags ${name} COMPILE_OPTIONS)
  get_directory_property(more COMPILE_OPTIONS)
  set(sum "${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${CMAKE_CXX_FLAGS} ${flags} ${more} ${ARGN}")
  foreach(header nlohmann/json.hpp nlohmann/detail/abi_macros.hpp tl/expected.hpp gmock/gmock.h gtest/gtest.h features.h)
    find_file(found_header ${header} NO_CACHE)
    if(found_header)
      file(SHA256 ${found_header} hash)
      string(APPEND sum " ${hash}")
    endif()
    unset(found_header)
  endforeach()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.gch.sum "${sum}\n")
endfunction()

# nsw_precompile(TARGET): programs of tests have GoogleTest's headers among theirs.
function(nsw_precompile target)
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # or ccache could not know what is in it
  if(target MATCHES "_test$")
    target_precompile_headers(${target} REUSE_FROM nsw_test_headers)
  else()
    target_precompile_headers(${target} REUSE_FROM nsw_headers)
  endif()
endfunction()

if(NSWARDEN_PCH)
  # RE2 brings these two to whoever uses it; they must be the same for all.
  add_compile_options(-pthread)
  add_compile_definitions(GTEST_HAS_PTHREAD=1)
  nsw_precompiled(nsw_headers ${nsw_common_headers})
  if(BUILD_TESTING)
    nsw_precompiled(nsw_test_headers ${nsw_common_headers} <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  # What ccache must not mind: see its manual, "Precompiled headers".
  if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=locale,pch_defines,time_macros
        CCACHE_PCH_EXTSUM=1 ${CCACHE})
  endif()
endif()
