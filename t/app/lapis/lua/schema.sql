create table users (id serial primary key, name text not null);
create table posts (id serial primary key, user_id integer not null references users on delete cascade, title text not null);
create table profiles (user_id integer primary key references users on delete cascade, text text);
insert into users (name) select 'user ' || n from generate_series(1, 8) n;
insert into posts (user_id, title) select 1 + n % 3, 'post ' || n from generate_series(1, 7) n;
insert into profiles select n, 'profile of ' || n from generate_series(1, 4) n;
