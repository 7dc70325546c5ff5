# Preset fuzz (build/fuzz): the fuzz targets linked with libFuzzer, under sanitizers.
set(CMAKE_CXX_COMPILER clang++ CACHE STRING "")  # without FORCE: a compiler cannot be set twice
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g" CACHE STRING "" FORCE)
set(REPLIC_SANITIZE "fuzzer-no-link,address,undefined" CACHE STRING "" FORCE)
set(REPLIC_FUZZ ON CACHE BOOL "" FORCE)
