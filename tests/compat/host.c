/* A host with the SQLite that it is compiled with: loads an extension and runs SQL.
**
**   host DATABASE EXTENSION [SQL...]
**
** Prints each row, its columns separated by |. Exit code 3: the extension did not load; 4: a
** statement failed; 5: the connection did not close. The message is on standard error.
*/
#include <sqlite3.h>
#include <stdio.h>

static int print_row(void* unused, int n, char** values, char** names) {
  (void)unused;
  (void)names;
  for (int i = 0; i < n; i++) {
    printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
  }
  printf("\n");
  return 0;
}

int main(int argc, char** argv) {
  sqlite3* db = NULL;
  char* error = NULL;
  if (argc < 3 || sqlite3_open(argv[1], &db) != SQLITE_OK) return 2;
  sqlite3_enable_load_extension(db, 1);
  if (sqlite3_load_extension(db, argv[2], NULL, &error) != SQLITE_OK) {
    fprintf(stderr, "%s\n", error ? error : "no message");
    sqlite3_free(error);
    sqlite3_close(db);
    return 3;
  }
  for (int i = 3; i < argc; i++) {
    if (sqlite3_exec(db, argv[i], print_row, NULL, &error) != SQLITE_OK) {
      fprintf(stderr, "%s: %s\n", argv[i], error ? error : "no message");
      sqlite3_free(error);
      sqlite3_close(db);
      return 4;
    }
  }
  if (sqlite3_close(db) != SQLITE_OK) {
    fprintf(stderr, "the connection did not close: %s\n", sqlite3_errmsg(db));
    return 5;
  }
  return 0;
}
