# Writes OUTPUT, a C++ header with one string constant for each SQL file of the list FILES:
# sql/embedded/log_table.sql becomes replic::sql::kLogTable. Run by `cmake -P` while building.

set(delimiter "replic_sql")
set(header "// Generated from sql/embedded/ by .cmake/embed_sql.cmake; change it there.\n\n")
string(APPEND header "#pragma once\n\n#include <string_view>\n\nnamespace replic::sql {\n")

foreach(file IN LISTS FILES)
  get_filename_component(stem ${file} NAME_WE)
  if(NOT stem MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "${file}: name it in snake_case, since a constant is named after it")
  endif()
  set(name "k")
  string(REPLACE "_" ";" words ${stem})
  foreach(word IN LISTS words)
    string(SUBSTRING "${word}" 0 1 first)
    string(SUBSTRING "${word}" 1 -1 rest)
    string(TOUPPER "${first}" first)
    string(APPEND name "${first}${rest}")
  endforeach()
  file(READ ${file} text)
  string(FIND "${text}" ")${delimiter}\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "${file}: contains the end of a C++ raw string, )${delimiter}\"")
  endif()
  string(APPEND header
    "\ninline constexpr std::string_view ${name} = R\"${delimiter}(${text})${delimiter}\";\n")
endforeach()

string(APPEND header "\n}  // namespace replic::sql\n")
file(WRITE ${OUTPUT} "${header}")
