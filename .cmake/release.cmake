# Preset release (build/): what is shipped. Fast, without assertions.
set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
