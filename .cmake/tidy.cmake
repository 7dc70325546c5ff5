# Preset tidy (build/tidy): the second compiler, clang, with any warning an error. clang-tidy reads
# the compile commands of this preset.
set(CMAKE_CXX_COMPILER clang++ CACHE STRING "")  # without FORCE: a compiler cannot be set twice
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O0" CACHE STRING "" FORCE)
set(REPLIC_WERROR ON CACHE BOOL "" FORCE)
