# Preset coverage (build/coverage): counts which lines and branches of ext/ the tests run.
set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g --coverage -fprofile-update=atomic" CACHE STRING "" FORCE)
set(REPLIC_TESTS ON CACHE BOOL "" FORCE)
