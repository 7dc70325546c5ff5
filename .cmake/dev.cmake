# Preset dev (build/dev): for work on the code. Debugger-friendly, with the assertions of ours and
# of libstdc++; any warning is an error.
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS" CACHE STRING "" FORCE)
set(REPLIC_TESTS ON CACHE BOOL "" FORCE)
set(REPLIC_WERROR ON CACHE BOOL "" FORCE)
