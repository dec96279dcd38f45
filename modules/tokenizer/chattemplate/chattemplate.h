// The C interface of chattemplate.rs, where each function is described.
#include <stdbool.h>
#include <stddef.h>

typedef struct {
	char *data;
	size_t len;
	bool failed;
	size_t line;
} chat_text;

void *chat_template_new(const char *source, size_t len, chat_text *error);
chat_text chat_template_render(const void *template, const char *variables, size_t len);
void chat_template_free(void *template);
void chat_text_free(chat_text text);
