# Preset asan (build/asan): every test under the address and undefined-behaviour sanitizers.
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g" CACHE STRING "" FORCE)
set(REPLIC_SANITIZE "address,undefined" CACHE STRING "" FORCE)
set(REPLIC_TESTS ON CACHE BOOL "" FORCE)
